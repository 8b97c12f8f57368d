import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { VaultAnswer } from '../wire/request-handler';
import type { VaultClient } from '../wire/vault-client';
import { isDeadToken, isDenial, vaultError } from '../wire/vault-errors';
import type { VaultRequest } from '../wire/vault-request';
import type { VaultSyncClient } from '../wire/vault-sync-client';
import { waitFor } from '../wire/waiting';
import type { AuthorizedAnswer, Credential } from './credential';
import type { Credentials } from './credentials';
import { DeniedRequests } from './denied-requests';

/** The last status that concerns the request itself. Higher statuses report the state of the store. */
const LAST_TELLING_STATUS = 428;

/** Sends requests with a valid token. A denied request is retried once if another token may help. */
export class VaultSession {
  readonly #client: VaultClient;
  readonly #syncClient: VaultSyncClient;
  readonly #credentials: Credentials;
  readonly #retriesDenied: boolean;
  readonly #denied = new DeniedRequests();
  #freshTokenTrial: Promise<unknown> | undefined;

  /** @param retriesDenied whether a denied request is worth a fresh login */
  constructor(
    client: VaultClient,
    syncClient: VaultSyncClient,
    credentials: Credentials,
    retriesDenied: boolean,
  ) {
    this.#client = client;
    this.#syncClient = syncClient;
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
    return this.#credentials
      .get(options)
      .then((granted) => this.sendAs(granted, request, options, onAnswer));
  }

  /** The blocking form of `send`. */
  sendSync(request: VaultRequest, options: OperationOptions): AuthorizedAnswer {
    const answer = this.sendAsSync(this.#credentials.getSync(options), request, options);
    return isDenial(answer) ? this.retryDeniedSync(answer, request, options) : answer;
  }

  private sendAs<Result>(
    credential: Credential,
    request: VaultRequest,
    options: OperationOptions,
    onAnswer: (answer: AuthorizedAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    return this.#client.sendAnd(request, options, credential.token, (answer) => {
      const own = withCredential(credential, answer);
      return isDenial(answer)
        ? this.retryDenied(own, request, options).then(onAnswer)
        : onAnswer(own);
    });
  }

  /** Retries the request with another credential than the refused one. */
  private async sendAgain(
    credential: Credential,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<AuthorizedAnswer> {
    return withCredential(credential, await this.#client.send(request, options, credential.token));
  }

  private sendAsSync(
    credential: Credential,
    request: VaultRequest,
    options: OperationOptions,
  ): AuthorizedAnswer {
    return withCredential(credential, this.#syncClient.send(request, options, credential.token));
  }

  /**
   * Retries a denied request with another token. Resolves to the denial if there is no other token, or if none
   * helps.
   */
  private async retryDenied(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<AuthorizedAnswer> {
    const replacement = await this.#credentials.replacementFor(denied.credential, options);
    if (replacement !== undefined)
      return this.rejectDeadToken(await this.sendAgain(replacement, request, options));
    if (!this.#credentials.canLogIn) return this.explain(denied);
    if (!isDeadToken(denied)) return await this.tryFreshToken(denied, request, options);
    this.#credentials.drop(denied.credential);
    const fresh = await this.#credentials.get(options);
    return this.rejectDeadToken(await this.sendAgain(fresh, request, options));
  }

  private retryDeniedSync(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): AuthorizedAnswer {
    const replacement = this.#credentials.replacementForSync(denied.credential, options);
    if (replacement !== undefined)
      return this.rejectDeadToken(this.sendAsSync(replacement, request, options));
    if (!this.#credentials.canLogIn) return this.explain(denied);
    if (!isDeadToken(denied)) return this.tryFreshTokenSync(denied, request, options);
    this.#credentials.drop(denied.credential);
    const fresh = this.#credentials.getSync(options);
    return this.rejectDeadToken(this.sendAsSync(fresh, request, options));
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
  private async tryFreshToken(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<AuthorizedAnswer> {
    if (this.#freshTokenTrial !== undefined) {
      await waitFor(this.#freshTokenTrial, options);
      const replacement = await this.#credentials.replacementFor(denied.credential, options);
      return replacement ? await this.sendAgain(replacement, request, options) : denied;
    }
    if (!this.#retriesDenied || !this.#denied.reserveLogin(request)) return denied;
    const trial = this.retryWithFreshToken(denied, request, options);
    this.#freshTokenTrial = trial.finally(() => (this.#freshTokenTrial = undefined));
    return await trial;
  }

  private async retryWithFreshToken(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<AuthorizedAnswer> {
    const granting = this.#credentials.grant();
    try {
      const fresh = await waitFor(granting, options);
      return this.keepIfItHelped(await this.sendAgain(fresh, request, options), denied, request);
    } catch {
      granting.then((fresh) => this.#credentials.revoke(fresh)).catch(() => undefined);
      return denied;
    }
  }

  private tryFreshTokenSync(
    denied: AuthorizedAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): AuthorizedAnswer {
    if (!this.#retriesDenied || !this.#denied.reserveLogin(request)) return denied;
    let fresh: Credential | undefined;
    try {
      fresh = this.#credentials.grantSync(options.timeoutMs);
      return this.keepIfItHelped(this.sendAsSync(fresh, request, options), denied, request);
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

/** Copies the fields by name, because a spread with one more field costs 5 us on Node 20. */
function withCredential(
  credential: Credential,
  { statusCode, headers, content, text, explanation, asked }: VaultAnswer,
): AuthorizedAnswer {
  return { statusCode, headers, content, text, explanation, asked, credential };
}
