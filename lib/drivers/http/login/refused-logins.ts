import {
  isSecretManagerError,
  SecretManagerError,
} from '../../../core/errors/secret-manager.error';
import { backoffMs } from '../../../core/time/backoff';
import type { AgeClock } from '../../../core/time/clock';

const PAUSES = { firstMs: 1_000, longestMs: 30_000 };

/**
 * The pause after a refused login, and after a refused token of an accepted login. Logins fail with the same error until
 * it ends: after 1 s, doubling to 30 s. A login with wrong credentials must not lock the account.
 *
 * An accepted login does not end the count, because its token may be refused, too. 30 s without a refusal do.
 */
export class RefusedLogins {
  readonly #clock: AgeClock;
  #refusal: { readonly error: SecretManagerError; readonly until: number } | undefined;
  #refusals = 0;

  constructor(clock: AgeClock) {
    this.#clock = clock;
  }

  /** Throws the error of the last refusal while its pause lasts. */
  assertOver(): void {
    if (this.#refusal && this.#clock.now() < this.#refusal.until) throw copyOf(this.#refusal.error);
  }

  /**
   * Fails the next logins with this error, for a pause that grows with each refusal. No login happens in a pause, so
   * another refusal within it is one of the same login, reported by a concurrent request.
   */
  record(error: SecretManagerError): void {
    const time = this.#clock.now();
    const { until = -Infinity } = this.#refusal ?? {};
    if (time < until) return;
    this.#refusals = time < until + PAUSES.longestMs ? this.#refusals + 1 : 1;
    this.#refusal = { error, until: time + backoffMs(this.#refusals, PAUSES) };
  }

  /** Records a failure of a login, unless it says nothing about the credentials. */
  recordFailure(thrown: unknown): void {
    if (isSecretManagerError(thrown) && thrown.code === 'UNAUTHENTICATED') this.record(thrown);
  }
}

/** Copies the error, so that each caller gets its own stack. */
function copyOf({ code, message }: SecretManagerError): SecretManagerError {
  return new SecretManagerError(code, message);
}
