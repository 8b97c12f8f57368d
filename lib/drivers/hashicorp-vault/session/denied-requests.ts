import { backoffMs } from '../../../core/time/backoff';
import { setYoungest } from '../../../core/time/bounded-map';
import { now } from '../../../core/time/clock';
import type { VaultRequest } from '../wire/vault-request';

const PAUSES = { firstMs: 30_000, longestMs: 30 * 60_000 };
const MAX_REMEMBERED = 100;

/**
 * Which requests a fresh token did not help. A denial must become neither a login per read, nor one every half a minute for
 * ever: of one request each pause is twice the last, and of all together there is one login in 30 s at most.
 */
export class DeniedRequests {
  readonly #failures = new Map<string, { readonly denials: number; readonly nextAt: number }>();
  #nextAt = 0;

  /** Whether a fresh token is worth a login. Whoever is told so makes it. */
  reserveLogin(request: VaultRequest): boolean {
    const { nextAt = 0 } = this.#failures.get(keyOf(request)) ?? {};
    if (request.isProbe || now() < Math.max(nextAt, this.#nextAt)) return false;
    this.#nextAt = now() + PAUSES.firstMs;
    return true;
  }

  recordFailure(request: VaultRequest): void {
    const key = keyOf(request);
    const denials = (this.#failures.get(key)?.denials ?? 0) + 1;
    const nextAt = now() + backoffMs(denials, PAUSES);
    setYoungest(this.#failures, key, { denials, nextAt }, MAX_REMEMBERED);
  }

  /** The role may do more than before. */
  recordSuccess(): void {
    this.#failures.clear();
  }
}

function keyOf({ method, path, namespace }: VaultRequest): string {
  return JSON.stringify([method, path, namespace]);
}
