import type { SecretAnswer } from '../../core/contract/custom-secret-manager';
import { translateError } from '../../core/errors/error-table';
import { isErrorLike } from '../../core/errors/safe-access';
import type { SecretManagerErrorCode } from '../../core/errors/secret-manager.error';
import { now } from '../../core/time/clock';
import { inParallel } from '../../core/time/in-parallel';
import { isDenied, isTooLarge } from './errors';

export type Answers = ReadonlyMap<string, SecretAnswer | Error>;

/** The batches of one service. */
export interface BatchOptions {
  /** The number of names that AWS accepts in one call. */
  readonly size: number;
  /** The name of the manager in errors. */
  readonly manager: string;
  /** Returns whether a failure of a batch is that of one of its secrets, whatever its code. */
  readonly isOfOneSecret: (thrown: unknown) => boolean;
}

/** Reads one batch. The answer may leave out names that need a read of their own. */
export type ReadBatch = (names: readonly string[]) => Promise<Answers>;

const PARALLEL_BATCHES = 4;
/**
 * The pause after a denied batch. A role may read single secrets without the right to batches, and may gain that
 * right later.
 */
const DENIAL_LASTS_MS = 600_000;

const CALL_WIDE_CODES: readonly SecretManagerErrorCode[] = [
  'CANCELLED',
  'MISCONFIGURED',
  'THROTTLED',
  'TIMEOUT',
  'UNAUTHENTICATED',
  'UNAVAILABLE',
];

/**
 * Reads many secrets with few calls. Names without an answer are read one by one. Such names are missing from the
 * batch, or failed for an unclear reason. All names are read one by one for a while if a batch was denied.
 */
export class AwsBatches {
  readonly #options: BatchOptions;
  #deniedUntil = -Infinity;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Resolves to an answer or an error for each name. No name may occur twice. */
  async read(
    names: readonly string[],
    readBatch: ReadBatch,
    readOneByOne: ReadBatch,
  ): Promise<Answers> {
    const answers = new Map<string, SecretAnswer | Error>();
    await inParallel(inBatches(names, this.#options.size), PARALLEL_BATCHES, async (batch) => {
      const answered = await this.answersOf(batch, readBatch);
      for (const [name, answer] of answered) answers.set(name, answer);
    });
    const missing = names.filter((name) => !answers.has(name));
    return new Map([...answers, ...(await readOneByOne(missing))]);
  }

  private async answersOf(batch: readonly string[], readBatch: ReadBatch): Promise<Answers> {
    if (batch.length === 1 || now() < this.#deniedUntil) return new Map();
    try {
      return await readBatch(batch);
    } catch (thrown) {
      if (this.#options.isOfOneSecret(thrown)) return new Map();
      if (isDenied(thrown)) this.#deniedUntil = now() + DENIAL_LASTS_MS;
      if (!this.concernsEveryName(thrown)) return new Map();
      if (!isErrorLike(thrown)) throw thrown;
      return new Map(batch.map((name) => [name, thrown]));
    }
  }

  /**
   * Returns whether a failure of the batch applies to every single read. Any other failure may concern one secret
   * only.
   */
  private concernsEveryName(thrown: unknown): boolean {
    if (isTooLarge(thrown)) return true; // every single read may be as large
    const context = { manager: this.#options.manager, operation: 'readSecrets' };
    return CALL_WIDE_CODES.includes(translateError(thrown, context).code);
  }
}

function inBatches(names: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(names.length / size) }, (_, index) =>
    names.slice(index * size, (index + 1) * size),
  );
}
