import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FakeAzureKeyVault, FakeAzureOptions } from './fake-azure-key-vault';

interface Reply {
  readonly answer?: unknown;
  readonly error?: string;
}

/** The fake of Azure Key Vault in its own process, for synchronous reads. */
export class OutsideAzureKeyVault {
  readonly #process: ChildProcess;
  host = '';

  /** @param options plain JSON */
  constructor(options: FakeAzureOptions = {}) {
    this.#process = fork(
      join(__dirname, 'fake-azure-key-vault.process.cjs'),
      [JSON.stringify(options)],
      { execArgv: ['-r', join(__dirname, 'register-typescript.cjs')] },
    );
  }

  async start(): Promise<this> {
    this.host = String(await this.reply());
    return this;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async call(
    method: 'seed' | 'fail' | 'reset' | 'enable',
    ...args: Parameters<FakeAzureKeyVault['seed']> | unknown[]
  ): Promise<void> {
    this.#process.send({ method, args });
    await this.reply();
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }

  private async reply(): Promise<unknown> {
    const [{ answer, error }] = (await once(this.#process, 'message')) as [Reply];
    if (error !== undefined) throw new Error(error);
    return answer;
  }
}
