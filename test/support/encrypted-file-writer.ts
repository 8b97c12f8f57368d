import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const SCRIPT = join(__dirname, 'write-secrets.process.cjs');
const TYPESCRIPT = join(__dirname, 'register-typescript.cjs');

export interface WriterOptions {
  readonly path: string;
  readonly key: string;
  /** The prefix of its names. */
  readonly prefix: string;
  readonly first?: number;
  readonly count?: number;
  readonly createOnly?: boolean;
  /** Runs the source instead of the build. */
  readonly fromSource?: boolean;
}

/** A process that writes to a store: the value of the secret `prefix_N % 5` is `N`, counted from `first`. */
export class EncryptedFileWriter {
  #output = '';
  #errors = '';
  readonly #process;
  readonly #closed: Promise<unknown>;
  readonly #hasBegun: Promise<unknown>;

  constructor({
    path,
    key,
    prefix,
    first = 0,
    count = Infinity,
    createOnly,
    fromSource,
  }: WriterOptions) {
    const args = [path, key, prefix, String(first), String(count), createOnly ? 'create' : ''];
    const flags = fromSource ? ['-r', TYPESCRIPT] : [];
    this.#process = spawn(process.execPath, [...flags, SCRIPT, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout.on('data', (chunk) => (this.#output += chunk));
    this.#process.stderr.on('data', (chunk) => (this.#errors += chunk));
    this.#closed = once(this.#process, 'close');
    this.#hasBegun = Promise.race([once(this.#process.stdout, 'data'), this.#closed]);
  }

  /** Resolves when the first write is acknowledged. */
  async begins(): Promise<void> {
    await this.#hasBegun;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Resolves to the acknowledged numbers when the process has ended. Rejects if it failed. */
  async ends(): Promise<readonly number[]> {
    await this.#closed;
    if (this.#errors) throw new Error(`The writer failed:\n${this.#errors}`);
    return this.#output.split('\n').slice(0, -1).map(Number);
  }
}
