import { setYoungest } from '../../../core/time/bounded-map';
import { now } from '../../../core/time/clock';
import type { VaultRequest } from '../wire/vault-request';

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 30 * 60_000;
const MAX_REMEMBERED = 100;

/**
 * Which requests a fresh token did not help. A denial must become neither a login per read, nor one every half a minute for
 * ever: of one request each pause is twice the last, and of all together there is one login in 30 s at most.
 */
export class DeniedRequests {
  readonly #helpless = new Map<string, { readonly pauseMs: number; readonly nextAt: number }>();
  #nextAt = 0;

  /** Whether a fresh token is worth a login. Whoever is told so makes it. */
  mayTryAnew(request: VaultRequest): boolean {
    const { nextAt = 0 } = this.#helpless.get(keyOf(request)) ?? {};
    if (request.isProbe || now() < Math.max(nextAt, this.#nextAt)) return false;
    this.#nextAt = now() + FIRST_PAUSE_MS;
    return true;
  }

  notHelped(request: VaultRequest): void {
    const key = keyOf(request);
    const before = this.#helpless.get(key);
    const pauseMs = before ? Math.min(before.pauseMs * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    setYoungest(this.#helpless, key, { pauseMs, nextAt: now() + pauseMs }, MAX_REMEMBERED);
  }

  /** The role may do more than before. */
  helped(): void {
    this.#helpless.clear();
  }
}

function keyOf({ method, path, namespace }: VaultRequest): string {
  return JSON.stringify([method, path, namespace]);
}
