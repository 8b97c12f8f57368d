import { isSecretManagerError, type SecretManagerErrorCode } from '../core/secret-manager.error';
import { CircuitOpenError } from './circuit-breaker.policy';

/** What a cache has to do about a write. */
export interface WriteObserver<Written> {
  /** What is cached of the secret may no longer hold: a write moves its versions and stages, too. */
  readonly changed: () => void;
  /** It was the only write of the secret at its time, so that its outcome is what the store holds. */
  readonly settled: (written: Written) => void;
}

/**
 * Decides what is known after a write. Of writes of one secret that overlap nobody knows which the store took last, and of one
 * that failed not always whether it happened: what is cached goes then, and the store is asked.
 */
export class WriteOrder {
  readonly #underway = new Map<string, { running: number; overlapped: boolean }>();

  async follow<Written>(
    secretName: string,
    write: () => Promise<Written>,
    { changed, settled }: WriteObserver<Written>,
  ): Promise<Written> {
    const writes = this.#underway.get(secretName) ?? { running: 0, overlapped: false };
    this.#underway.set(secretName, writes);
    writes.running += 1;
    writes.overlapped ||= writes.running > 1;
    try {
      const written = await write();
      changed();
      if (!writes.overlapped) settled(written);
      return written;
    } catch (error) {
      if (isOutcomeUnknown(error)) changed();
      throw error;
    } finally {
      writes.running -= 1;
      if (writes.running === 0) this.#underway.delete(secretName);
    }
  }
}

/** Whether a write that failed may have happened all the same. */
function isOutcomeUnknown(error: unknown): boolean {
  return !(
    error instanceof CircuitOpenError ||
    (isSecretManagerError(error) && NOT_WRITTEN.has(error.code))
  );
}

const NOT_WRITTEN: ReadonlySet<SecretManagerErrorCode> = new Set([
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
  'THROTTLED',
  'INVALID_ARGUMENT',
  'CONFLICT',
  'NOT_PERMITTED',
  'UNSUPPORTED',
] as const);
