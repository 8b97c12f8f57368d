/** The built sample application in its own process, and a client of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

const MAIN = fileURLToPath(new URL('../../sample-app/dist/main.js', import.meta.url));
const START_MS = 30_000;

export class SampleGateway {
  #process;
  #ended;
  #connections;
  url;

  /** Starts the application with only the given variables. */
  async start(environment) {
    const env = { PATH: process.env.PATH, PORT: '0', NO_COLOR: '1', ...environment };
    this.#process = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#ended = once(this.#process, 'exit');
    this.url = await this.#listens();
    this.#connections = new Pool(this.url, { connections: 128 });
    return this;
  }

  async stop() {
    await this.#connections?.destroy();
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  /** Resolves to status, content and duration. */
  async ask(method, path, authorization, content) {
    const startedAt = performance.now();
    const { statusCode, body } = await this.#connections.request({
      method,
      path,
      headers: { authorization, 'content-type': 'application/json' },
      body: content && JSON.stringify(content),
    });
    const text = await body.text();
    return { status: statusCode, text, ms: performance.now() - startedAt };
  }

  /** The memory of the process in MB, if the system reports it. */
  get memoryMb() {
    try {
      const [, kb] = /VmRSS:\s+(\d+)/.exec(
        readFileSync(`/proc/${this.#process.pid}/status`, 'utf8'),
      );
      return Math.round(Number(kb) / 1024);
    } catch {
      return undefined;
    }
  }

  async #listens() {
    let output = '';
    const signal = AbortSignal.timeout(START_MS);
    const listens = / listens at (http:\/\/127\.0\.0\.1:\d+),/;
    const ended = this.#ended.then(() => [undefined]);
    while (!listens.test(output)) {
      const [chunk] = await Promise.race([once(this.#process.stdout, 'data', { signal }), ended]);
      if (chunk === undefined) throw new Error(`The gateway ended:\n${output}`);
      output += chunk;
    }
    this.#process.stdout.resume();
    return listens.exec(output)[1];
  }
}
