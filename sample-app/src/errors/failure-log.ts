import { Injectable, Logger } from '@nestjs/common';
import { isSecretManagerError, type SecretManagerError } from 'nestjs-custom-secret-manager';
import { KEY_RECORDS } from '../keys/key-records';
import { VIRTUAL_KEYS } from '../keys/stored-keys';

const QUIET_MS = 30_000;
const MAX_KINDS = 100;

/** A kind of failure that was logged, and may continue. */
interface Failing {
  lastAt: number;
  unlogged: number;
}

/**
 * Logs a failure when it begins, and not while it continues. An outage is one line, not one for each request. A
 * failure begins again after 30 s without it. The texts name secrets, and hold no values.
 */
@Injectable()
export class FailureLog {
  readonly #logger = new Logger('Gateway');
  readonly #failing = new Map<string, Failing>();

  /** Logs a failure, unless it continues. The line begins with `what`. */
  add(thrown: unknown, requestId: string, what = 'A request failed'): void {
    const kind = `${what}: ${kindOf(thrown)}`;
    const at = performance.now();
    const failing = this.#failing.get(kind);
    this.#failing.delete(kind); // keeps the map in the order of the last failure
    if (failing !== undefined && at < failing.lastAt + QUIET_MS) {
      this.#failing.set(kind, { lastAt: at, unlogged: failing.unlogged + 1 });
      return;
    }
    this.#failing.set(kind, { lastAt: at, unlogged: 0 });
    const [oldest] = this.#failing.keys();
    if (this.#failing.size > MAX_KINDS && oldest !== undefined) this.#failing.delete(oldest);
    const before = failing?.unlogged ? ` Before, ${failing.unlogged} more like it.` : '';
    this.#logger.warn(`${what}: ${textOf(thrown)} (request ${requestId})${before}`);
  }
}

function textOf(thrown: unknown): string {
  if (isSecretManagerError(thrown)) return thrown.message;
  if (!(thrown instanceof Error)) return `${typeof thrown}.`;
  return 'getStatus' in thrown ? thrown.message : `${thrown.name}.`; // others may quote a body, a URL or a key
}

function kindOf(thrown: unknown): string {
  return isSecretManagerError(thrown) ? kindOfStore(thrown) : textOf(thrown);
}

/**
 * Returns the kind of a failure of the store. An outage is one kind, whatever its code or secret. All keys are one kind,
 * because there are too many of them.
 */
function kindOfStore({ code, retryable, secretName = '' }: SecretManagerError): string {
  if (retryable) return 'the store is not available';
  const isOfKey = secretName.startsWith(KEY_RECORDS) || secretName.startsWith(VIRTUAL_KEYS);
  return `${code} ${isOfKey ? 'a key' : secretName}`;
}
