import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const SCRIPT = join(__dirname, 'outside-server.process.mjs');

/** A store over HTTP in a process of its own; what it can be asked for is in `outside-server.process.mjs`. */
export class OutsideServer {
  #process: ChildProcess | undefined;
  address = '';

  async start(): Promise<this> {
    const child = spawn(process.execPath, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
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
