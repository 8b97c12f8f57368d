import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from './eventually';

const MAIN = join(__dirname, '../../../sample-app/dist/main.js');

/** The built sample application in a process of its own. */
export class SampleProcess {
  /** Everything that it has printed. */
  output = '';
  readonly #process;
  readonly #ended: Promise<unknown>;

  /** Its environment is what is given, and no more. Listens on a free port unless `PORT` is given. */
  constructor(environment: Readonly<Record<string, string>> = {}) {
    const env = { PATH: process.env.PATH, PORT: '0', NO_COLOR: '1', ...environment };
    this.#process = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout.on('data', (chunk) => (this.output += chunk));
    this.#process.stderr.on('data', (chunk) => (this.output += chunk));
    this.#ended = once(this.#process, 'close');
  }

  /** Where it listens. */
  get url(): string {
    return / (http:\/\/127\.0\.0\.1:\d+) shows /.exec(this.output)?.[1] ?? '';
  }

  async listens(): Promise<this> {
    await eventually('the sample application listens', () => {
      if (this.#process.exitCode !== null) throw new Error(`It ended:\n${this.output}`);
      return this.url !== '';
    });
    return this;
  }

  /** Resolves to how it ended, when it has: its exit code, or the signal that killed it. */
  async ends(): Promise<number | NodeJS.Signals | null> {
    await this.#ended;
    return this.#process.exitCode ?? this.#process.signalCode;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  request(path: string, method = 'GET', content?: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return fetch(this.url + path, { method, headers, body: content && JSON.stringify(content) });
  }
}
