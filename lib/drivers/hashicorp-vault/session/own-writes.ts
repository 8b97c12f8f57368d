import { pause } from '../../../core/calls/waiting';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { backoffMs } from '../../../core/time/backoff';
import { setYoungest } from '../../../core/time/bounded-map';
import { now } from '../../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { trimSlashes } from '../options/option-problems';
import { canForward, newerIndex, storageIndexOf } from '../wire/storage-index';
import { serverMessageOf } from '../wire/vault-errors';
import type { VaultRequest } from '../wire/vault-request';
import { CONTEXT } from '../wire/waiting';
import type { AuthorizedAnswer } from './credential';
import type { VaultSession } from './vault-session';

/** What an engine needs of a session. */
export type Requests = Pick<VaultSession, 'send' | 'sendAnd' | 'sendSync'>;

/** A replica that lags longer is broken, or belongs to a cluster that was replaced: reads must not wait for it for ever. */
const REQUIRED_FOR_MS = 60_000;
const MAX_NAMESPACES = 100;
const LONGEST_WAIT_MS = 2_000;
const PAUSES = { firstMs: 10, longestMs: 200 };

/**
 * Has requests see the writes that were made through here, whichever node answers them. The answer of a write tells how far the
 * server's storage has come; what follows in the same namespace requires a node that is as far. A node that is not refuses,
 * and is asked again. Writes require it, too: a standby that lags takes a deletion of what it does not have yet for done.
 */
export class OwnWrites implements Requests {
  readonly #session: VaultSession;
  /** By namespace; the one that was written last is last. */
  readonly #required = new Map<string, { readonly index: string; readonly until: number }>();

  constructor(session: VaultSession) {
    this.#session = session;
  }

  send(request: VaultRequest, options: OperationOptions): Promise<AuthorizedAnswer> {
    return this.sendAnd(request, options, (answer) => answer);
  }

  /** As `send`, and to what is made of the answer. Throws if it cannot be sent. */
  sendAnd<Result>(
    request: VaultRequest,
    options: OperationOptions,
    onAnswer: (answer: AuthorizedAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    const index = this.requiredIndex(request);
    if (index !== undefined) {
      return this.sendAt(index, request, options).then((answer) =>
        onAnswer(this.recordIndex(request, answer)),
      );
    }
    if (request.method === 'GET') return this.#session.sendAnd(request, options, onAnswer);
    return this.#session.sendAnd(request, options, (answer) =>
      onAnswer(this.recordIndex(request, answer)),
    );
  }

  /** Reads as `send` does, blocking. A node that lags is not asked again: the thread must not stand still for it. */
  sendSync(request: VaultRequest, options: OperationOptions): AuthorizedAnswer {
    const index = this.requiredIndex(request);
    if (index === undefined) return this.#session.sendSync(request, options);
    const answer = this.#session.sendSync(withIndex(index, request), options);
    if (isLagging(answer)) return laggingAnswer(answer);
    if (!isIndexRefused(answer)) return answer;
    this.#required.clear();
    return this.#session.sendSync(request, options);
  }

  private async sendAt(
    index: string,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<AuthorizedAnswer> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const endsAt = now() + Math.min(timeoutMs, LONGEST_WAIT_MS);
    for (let refusals = 1; ; refusals++) {
      const answer = await this.#session.send(withIndex(index, request), options);
      if (isIndexRefused(answer)) break;
      if (!isLagging(answer)) return answer;
      const pauseMs = backoffMs(refusals, PAUSES);
      if (now() + pauseMs >= endsAt) return laggingAnswer(answer);
      await pause(pauseMs, options, CONTEXT);
    }
    this.#required.clear();
    return await this.#session.send(request, options);
  }

  private recordIndex(
    { method, namespace }: VaultRequest,
    answer: AuthorizedAnswer,
  ): AuthorizedAnswer {
    if (method === 'GET') return answer;
    const index = storageIndexOf(answer.headers['x-vault-index']);
    if (answer.statusCode >= 300 || index === undefined) return answer;
    const key = keyOf(namespace);
    const before = this.#required.get(key)?.index;
    const required = { index: newerIndex(before, index), until: now() + REQUIRED_FOR_MS };
    setYoungest(this.#required, key, required, MAX_NAMESPACES);
    return answer;
  }

  /** A probe is about the server, and not about secrets. */
  private requiredIndex({ namespace, isProbe }: VaultRequest): string | undefined {
    if (this.#required.size === 0 || isProbe) return undefined;
    const key = keyOf(namespace);
    const required = this.#required.get(key);
    if (required === undefined || now() < required.until) return required?.index;
    this.#required.delete(key);
    return undefined;
  }
}

function keyOf(namespace = ''): string {
  return trimSlashes(namespace);
}

/** OpenBao's standby forwards the request to the active node where it lags; HashiCorp's does so only where that was configured. */
function withIndex(index: string, request: VaultRequest): VaultRequest {
  const forwarding = canForward(index) && { 'x-vault-inconsistent': 'forward-active-node' };
  return { ...request, headers: { 'x-vault-index': index, ...forwarding } };
}

/** HashiCorp answers 412. OpenBao answers 429 without a reason, where a quota gives one. */
function isLagging({ statusCode, content }: AuthorizedAnswer): boolean {
  const errors = content?.errors;
  return statusCode === 412 || (statusCode === 429 && Array.isArray(errors) && errors.length === 0);
}

/** OpenBao's `Retry-After` of a second is for all its 429, and far too long here. */
function laggingAnswer(answer: AuthorizedAnswer): AuthorizedAnswer {
  return { ...answer, statusCode: 412, headers: {} };
}

/** Another kind of server answers now. */
function isIndexRefused(answer: AuthorizedAnswer): boolean {
  return answer.statusCode === 400 && serverMessageOf(answer).includes('X-Vault-Index');
}
