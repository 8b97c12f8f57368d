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

  async stop(): Promise<void> {
    if (this.#process === undefined) return;
    this.#process.stdin?.end();
    await once(this.#process, 'exit');
  }
}
