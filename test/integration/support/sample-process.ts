import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually';

const ROOT = join(__dirname, '../../..');
const MAIN = join(ROOT, 'sample-app/dist/main.js');

/** The built sample application in its own process. */
export class SampleProcess {
  /** The output so far. */
  output = '';
  readonly #environment: NodeJS.ProcessEnv;
  readonly #process;
  readonly #ended: Promise<unknown>;

  /** Starts the application with only the given variables. It listens on a free port unless `PORT` is given. */
  constructor(environment: Readonly<Record<string, string>> = {}) {
    const env = { PATH: process.env.PATH, PORT: '0', NO_COLOR: '1', ...environment };
    this.#environment = env;
    this.#process = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout.on('data', (chunk) => (this.output += chunk));
    this.#process.stderr.on('data', (chunk) => (this.output += chunk));
    this.#ended = once(this.#process, 'close');
  }

  /** The URL of the application. */
  get url(): string {
    return / listens at (http:\/\/127\.0\.0\.1:\d+),/.exec(this.output)?.[1] ?? '';
  }

  async listens(): Promise<this> {
    const listens = (): boolean => {
      if (this.#process.exitCode !== null) throw new Error(`It ended:\n${this.output}`);
      return this.url !== '';
    };
    await eventually('the sample application listens', listens, 25_000);
    return this;
  }

  /** Waits for the end. Resolves to the exit code, or to the signal that killed the process. */
  async ends(): Promise<number | NodeJS.Signals | null> {
    await this.#ended;
    return this.#process.exitCode ?? this.#process.signalCode;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  request(path: string, method = 'GET', content?: object, key = ''): Promise<Response> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
    return fetch(this.url + path, { method, headers, body: content && JSON.stringify(content) });
  }

  /** Issues a key. */
  async generate(masterKey: string, content: object = {}): Promise<string> {
    const answer = await this.request('/key/generate', 'POST', content, masterKey);
    return ((await answer.json()) as { key: string }).key;
  }

  /** Resolves to the output of a shell, in the same environment and at the root of the project. */
  async shell(script: string): Promise<string> {
    const options = { cwd: ROOT, env: this.#environment };
    const { stdout } = await promisify(execFile)('sh', ['-ec', script], options);
    return stdout;
  }

  /** Resolves to the output of `npm run master-key`. */
  async masterKey(): Promise<string> {
    return (await this.shell('npm run --silent master-key')).trim();
  }
}
