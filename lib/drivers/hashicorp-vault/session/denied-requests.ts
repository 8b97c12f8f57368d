import { backoffMs } from '../../../core/time/backoff';
import { setYoungest } from '../../../core/time/bounded-map';
import { now } from '../../../core/time/clock';
import type { VaultRequest } from '../wire/vault-request';

const PAUSES = { firstMs: 30_000, longestMs: 30 * 60_000 };
const MAX_REMEMBERED = 100;

/**
 * The denied requests that a fresh token did not help. Each denial of the same request doubles its pause, from 30
 * seconds to 30 minutes. All requests together cause at most one login in 30 seconds.
 */
export class DeniedRequests {
  readonly #failures = new Map<string, { readonly denials: number; readonly nextAt: number }>();
  #nextAt = 0;

  /** Returns whether the caller may log in for a fresh token. `true` starts the pause before the next login. */
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

  /** Forgets all denials, because the role may have gained rights. */
  recordSuccess(): void {
    this.#failures.clear();
  }
}

function keyOf({ method, path, namespace }: VaultRequest): string {
  return JSON.stringify([method, path, namespace]);
}
