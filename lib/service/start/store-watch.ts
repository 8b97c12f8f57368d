import type { CustomSecretManager } from '../../core/contract/custom-secret-manager';
import { translateError } from '../../core/errors/error-table';
import { backoffMs } from '../../core/time/backoff';
import { BackgroundTimer } from '../../core/time/background-timer';
import { now } from '../../core/time/clock';
import { readFlag, readList } from '../../core/validation/call-arguments';
import { parseSecretName } from '../../core/validation/secret-name';

const PAUSES = { firstMs: 1_000, longestMs: 30_000 };

export interface StoreWatchOptions {
  /** Called with each valid name that the manager reports. */
  readonly onChange: (secretName: string, isAnnounced: boolean) => void;
  readonly warn: (message: string) => void;
}

/** Watches the store of a manager that pushes its changes. A watch that fails is started again, with backoff. */
export class StoreWatch {
  readonly #manager: CustomSecretManager;
  readonly #options: StoreWatchOptions;
  readonly #abort = new AbortController();
  #failures = 0;
  readonly #timer = new BackgroundTimer();

  constructor(manager: CustomSecretManager, options: StoreWatchOptions) {
    this.#manager = manager;
    this.#options = options;
  }

  start(): void {
    if (typeof this.#manager.watchSecrets === 'function') void this.run();
  }

  async close(): Promise<void> {
    this.#timer.stop();
    this.#abort.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.#abort;
    const startedAt = now();
    try {
      await this.#manager.watchSecrets?.((names, options) => this.report(names, options), {
        signal,
      });
    } catch (error) {
      if (!signal.aborted) this.retry(error, startedAt);
    }
  }

  private report(given: readonly string[], options: unknown): void {
    if (this.#abort.signal.aborted) return;
    const context = { manager: this.#manager.secretManagerName, operation: 'watchSecrets' };
    const names = readList(given, 'onChange() takes a list of secret names, and not', context);
    const isAnnounced = readFlag(options, 'announce', context);
    const parsed = names.map((name) => parseSecretName(name, context));
    for (const name of parsed) this.#options.onChange(name, isAnnounced);
  }

  /** Reports the first failure in a row. A watch that has lasted starts a new row. */
  private retry(error: unknown, startedAt: number): void {
    if (now() - startedAt > PAUSES.longestMs) this.#failures = 0;
    this.#failures += 1;
    const manager = this.#manager.secretManagerName;
    const { code } = translateError(error, { manager, operation: 'watchSecrets' });
    if (this.#failures === 1) {
      this.#options.warn(
        `${manager}.watchSecrets() failed with ${code}; it is called again. Until then a change is found when a value expires.`,
      );
    }
    this.#timer.set(() => void this.run(), backoffMs(this.#failures, PAUSES));
  }
}
