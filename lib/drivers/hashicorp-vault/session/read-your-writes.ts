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
import type { AuthorizedAnswer } from '../login/credential';
import type { VaultSession } from './vault-session';

/** The part of a session that an engine uses. */
export type Requests = Pick<VaultSession, 'send' | 'sendAnd' | 'sendSync'>;

/** The limit for reads that wait for a write. A replica that lags longer is broken, or its cluster was replaced. */
const REQUIRED_FOR_MS = 60_000;
const MAX_NAMESPACES = 100;
const LONGEST_WAIT_MS = 2_000;
const PAUSES = { firstMs: 10, longestMs: 200 };

/**
 * Makes requests see the writes of this manager, on every node of the cluster.
 *
 * The answer to a write carries the storage index of the server. Later requests in the same namespace require a
 * node with that index. A lagging node refuses the request, which is then retried. Writes also require the index: a
 * lagging standby would report a deletion of an unreplicated secret as done.
 */
export class OwnWrites implements Requests {
  readonly #session: VaultSession;
  /** The required index of each namespace. The namespace that was written last comes last. */
  readonly #required = new Map<string, { readonly index: string; readonly until: number }>();

  constructor(session: VaultSession) {
    this.#session = session;
  }

  send(request: VaultRequest, options: OperationOptions): Promise<AuthorizedAnswer> {
    return this.sendAnd(request, options, (answer) => answer);
  }

  /** Sends a request and resolves to the result of `onAnswer`. Throws if the request cannot be sent. */
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

  /** The blocking form of `send`. A lagging node is not asked again, because a retry would block the thread. */
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

  /** Returns the index that the request requires. A probe needs none, because it reads no secret. */
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

/**
 * Adds the required index. A lagging standby of OpenBao forwards such a request; one of HashiCorp forwards only if
 * configured so.
 */
function withIndex(index: string, request: VaultRequest): VaultRequest {
  const forwarding = canForward(index) && { 'x-vault-inconsistent': 'forward-active-node' };
  return { ...request, headers: { 'x-vault-index': index, ...forwarding } };
}

/**
 * Recognises the refusal of a lagging node. HashiCorp answers 412. OpenBao answers 429 without a reason, while a
 * quota gives one.
 */
function isLagging({ statusCode, content }: AuthorizedAnswer): boolean {
  const errors = content?.errors;
  return statusCode === 412 || (statusCode === 429 && Array.isArray(errors) && errors.length === 0);
}

/**
 * Normalises the answer to 412 without headers. The `Retry-After` of OpenBao is one second for every 429, which is
 * too long here.
 */
function laggingAnswer(answer: AuthorizedAnswer): AuthorizedAnswer {
  return { ...answer, statusCode: 412, headers: {} };
}

/** Returns `true` if the server rejects the index, as a different kind of server does. */
function isIndexRefused(answer: AuthorizedAnswer): boolean {
  return answer.statusCode === 400 && serverMessageOf(answer).includes('X-Vault-Index');
}
