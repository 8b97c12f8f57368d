import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { VaultAnswer } from '../wire/vault-answer';
import { waitOrBlock } from '../../http/wire/steps';
import type { Steps } from '../wire/vault-steps';
import type { VaultClients } from '../wire/vault-clients';
import { isDeadToken, isDenial, vaultError } from '../wire/vault-errors';
import type { VaultRequest } from '../wire/vault-request';
import { waitFor } from '../wire/waiting';
import type { AuthorizedAnswer, Credential } from '../login/credential';
import type { Credentials } from '../login/credentials';
import { DeniedRequests } from './denied-requests';

/** The last status that concerns the request itself. Higher statuses report the state of the store. */
const LAST_TELLING_STATUS = 428;

/** Sends requests with a valid token. A denied request is retried once if another token may help. */
export class VaultSession {
  readonly #clients: VaultClients;
  readonly #credentials: Credentials;
  readonly #retriesDenied: boolean;
  readonly #denied = new DeniedRequests();
  #freshTokenTrial: Promise<void> | undefined;

  /** @param retriesDenied whether a denied request is worth a fresh login */
  constructor(clients: VaultClients, credentials: Credentials, retriesDenied: boolean) {
    this.#clients = clients;
    this.#credentials = credentials;
    this.#retriesDenied = retriesDenied;
  }

  async send(request: VaultRequest, options: OperationOptions): Promise<AuthorizedAnswer> {
    return await this.sendAnd(request, options, (answer) => answer);
  }

  /**
   * Sends a request and resolves to the result of `onAnswer`, which saves one promise per read. Throws if the
   * request cannot be sent.
   */
  sendAnd<Result>(
    request: VaultRequest,
    options: OperationOptions,
    onAnswer: (answer: AuthorizedAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    const credential = this.#credentials.cached;
    if (credential !== undefined) return this.sendAs(credential, request, options, onAnswer);
    return this.#clients
      .run(this.#credentials.get(options), options)
      .then((granted) => this.sendAs(granted, request, options, onAnswer));
  }

  /** The blocking form of `send`. */
  sendSync(request: VaultRequest, options: OperationOptions): AuthorizedAnswer {
    return this.#clients.runSync(this.ask(request, options), options);
  }

  private sendAs<Result>(
    credential: Credential,
    request: VaultRequest,
    options: OperationOptions,
    onAnswer: (answer: AuthorizedAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    return this.#clients.client.sendAnd(request, options, credential.token, (answer) => {
      const own = withCredential(credential, answer);
      return isDenial(answer)
        ? this.#clients.run(this.retryDenied(own, request, options), options).then(onAnswer)
        : onAnswer(own);
    });
  }

  /** Sends the request, and retries a denied one. */
  private *ask(request: VaultRequest, options: OperationOptions): Steps<AuthorizedAnswer> {
    const answer = yield* askAs(yield* this.#credentials.get(options), request);
    return isDenial(answer) ? yield* this.retryDenied(answer, request, options) : answer;
  }

  /** Retries a denied request with another token. Returns the denial if there is no other token, or if none helps. */
  private *retryDenied(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Steps<AuthorizedAnswer> {
    const replacement = yield* this.#credentials.replacementFor(denied.credential, options);
    if (replacement !== undefined) return this.rejectDeadToken(yield* askAs(replacement, request));
    if (!this.#credentials.canLogIn) return this.explain(denied);
    if (!isDeadToken(denied)) return yield* this.tryFreshToken(denied, request, options);
    this.#credentials.drop(denied.credential);
    return this.rejectDeadToken(yield* askAs(yield* this.#credentials.get(options), request));
  }

  private explain(denied: AuthorizedAnswer): AuthorizedAnswer {
    const explanation = this.#credentials.explanationOfDenial;
    return explanation === undefined ? denied : { ...denied, explanation };
  }

  /** Fails the next logins if the server does not know the token of the last one. */
  private rejectDeadToken(answer: AuthorizedAnswer): AuthorizedAnswer {
    if (isDeadToken(answer)) this.#credentials.refuseLogins(vaultError(answer, 'The login'));
    return answer;
  }

  /**
   * Retries with a fresh token, because the role may have gained rights since the login. Concurrent denials share
   * one fresh token. The denial stands unless the fresh token helps.
   */
  private *tryFreshToken(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Steps<AuthorizedAnswer> {
    const trial = this.#freshTokenTrial;
    if (trial !== undefined) {
      yield* waitOrBlock({ wait: () => waitFor(trial, options), block: () => undefined });
      const replacement = yield* this.#credentials.replacementFor(denied.credential, options);
      return replacement ? yield* askAs(replacement, request) : denied;
    }
    if (!this.#retriesDenied || !this.#denied.reserveLogin(request)) return denied;
    let end = (): void => undefined;
    this.#freshTokenTrial = new Promise((resolve) => (end = resolve));
    try {
      return yield* this.retryWithFreshToken(denied, request, options);
    } finally {
      this.#freshTokenTrial = undefined;
      end();
    }
  }

  private *retryWithFreshToken(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Steps<AuthorizedAnswer> {
    let fresh: Credential | undefined;
    try {
      fresh = yield* this.#credentials.grant(options);
      return this.keepIfItHelped(yield* askAs(fresh, request), denied, request);
    } catch {
      if (fresh !== undefined) this.#credentials.revoke(fresh);
      return denied;
    }
  }

  /** Adopts a fresh token that helped. Revokes one that did not, and keeps the old token. */
  private keepIfItHelped(
    retried: AuthorizedAnswer,
    denied: AuthorizedAnswer,
    request: VaultRequest,
  ): AuthorizedAnswer {
    const hasHelped = !isDenial(retried) && retried.statusCode <= LAST_TELLING_STATUS;
    if (hasHelped) {
      this.#denied.recordSuccess();
      this.#credentials.adopt(retried.credential);
      return retried;
    }
    this.#denied.recordFailure(request);
    this.#credentials.revoke(retried.credential);
    return denied;
  }
}

/** Sends the request with the token of this credential. */
function* askAs(credential: Credential, request: VaultRequest): Steps<AuthorizedAnswer> {
  return withCredential(credential, yield { ...request, token: credential.token });
}

/** Copies the fields by name, because a spread with one more field costs 5 us on Node 20. */
function withCredential(
  credential: Credential,
  { statusCode, headers, content, text, explanation, asked }: VaultAnswer,
): AuthorizedAnswer {
  return { statusCode, headers, content, text, explanation, asked, credential };
}
