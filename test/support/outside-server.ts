import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A store over HTTP in its own process. `outside-server.process.mjs` has its routes. */
export class OutsideServer {
  readonly #script: string;
  #process: ChildProcess | undefined;
  address = '';

  constructor(script = 'outside-server.process.mjs') {
    this.#script = join(__dirname, script);
  }

  async start(): Promise<this> {
    const child = spawn(process.execPath, [this.#script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = child;
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    this.address = `http://127.0.0.1:${port.toString().trim()}`;
    return this;
  }

  /** Makes a server new that knows `POST /reset`, which is faster than another process. */
  async reset(): Promise<void> {
    const { ok } = await fetch(`${this.address}/reset`, { method: 'POST' });
    if (!ok) throw new Error('the server cannot be reset');
  }

  async stop(): Promise<void> {
    if (this.#process === undefined) return;
    this.#process.stdin?.end();
    await once(this.#process, 'exit');
  }
}
