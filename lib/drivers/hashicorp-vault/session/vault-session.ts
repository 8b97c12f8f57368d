import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { VaultAnswer } from '../wire/exchange';
import type { VaultClient } from '../wire/vault-client';
import { isDeadToken, isDenial, vaultError } from '../wire/vault-errors';
import type { VaultRequest } from '../wire/vault-request';
import type { VaultSyncClient } from '../wire/vault-sync-client';
import { waitFor } from '../wire/waiting';
import type { Credential, OwnAnswer } from './credential';
import type { Credentials } from './credentials';
import { DeniedRequests } from './denied-requests';

/** The last status that tells something of what was asked for; those above are of a store in need. */
const LAST_TELLING_STATUS = 428;

/** Sends requests with a token that the server knows. A refusal that another token may cure is tried once more with that. */
export class VaultSession {
  readonly #client: VaultClient;
  readonly #syncClient: VaultSyncClient;
  readonly #credentials: Credentials;
  readonly #retriesDenied: boolean;
  readonly #denied = new DeniedRequests();
  #trying: Promise<unknown> | undefined;

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

  async send(request: VaultRequest, options: OperationOptions): Promise<OwnAnswer> {
    return await this.sendAnd(request, options, (answer) => answer);
  }

  /** As `send`, and to what is made of the answer: a promise fewer for every read. Throws if it cannot be sent. */
  sendAnd<Result>(
    request: VaultRequest,
    options: OperationOptions,
    see: (answer: OwnAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    const credential = this.#credentials.atHand;
    if (credential !== undefined) return this.sendAs(credential, request, options, see);
    return this.#credentials
      .get(options)
      .then((granted) => this.sendAs(granted, request, options, see));
  }

  /** As `send`, blocking. */
  sendSync(request: VaultRequest, options: OperationOptions): OwnAnswer {
    const answer = this.sendAsSync(this.#credentials.getSync(options), request, options);
    return isDenial(answer) ? this.curedSync(answer, request, options) : answer;
  }

  private sendAs<Result>(
    credential: Credential,
    request: VaultRequest,
    options: OperationOptions,
    see: (answer: OwnAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    return this.#client.sendAnd(request, options, credential.token, (answer) => {
      const own = answerTo(credential, answer);
      return isDenial(answer) ? this.cured(own, request, options).then(see) : see(own);
    });
  }

  /** With another credential than the one that was refused. */
  private async sendAgain(
    credential: Credential,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<OwnAnswer> {
    return answerTo(credential, await this.#client.send(request, options, credential.token));
  }

  private sendAsSync(
    credential: Credential,
    request: VaultRequest,
    options: OperationOptions,
  ): OwnAnswer {
    return answerTo(credential, this.#syncClient.send(request, options, credential.token));
  }

  /** What comes of another token; the denial, where there is none, or none helps. */
  private async cured(
    denied: OwnAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<OwnAnswer> {
    const other = await this.#credentials.other(denied.credential, options);
    if (other !== undefined) return this.judged(await this.sendAgain(other, request, options));
    if (!this.#credentials.areOurs) return this.explained(denied);
    if (!isDeadToken(denied)) return await this.tried(denied, request, options);
    this.#credentials.drop(denied.credential);
    const fresh = await this.#credentials.get(options);
    return this.judged(await this.sendAgain(fresh, request, options));
  }

  private curedSync(
    denied: OwnAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): OwnAnswer {
    const other = this.#credentials.otherSync(denied.credential, options);
    if (other !== undefined) return this.judged(this.sendAsSync(other, request, options));
    if (!this.#credentials.areOurs) return this.explained(denied);
    if (!isDeadToken(denied)) return this.triedSync(denied, request, options);
    this.#credentials.drop(denied.credential);
    const fresh = this.#credentials.getSync(options);
    return this.judged(this.sendAsSync(fresh, request, options));
  }

  private explained(denied: OwnAnswer): OwnAnswer {
    const explanation = this.#credentials.explanationOfDenial;
    return explanation === undefined ? denied : { ...denied, explanation };
  }

  /** A fresh token that is dead is the login's fault. */
  private judged(answer: OwnAnswer): OwnAnswer {
    if (isDeadToken(answer)) this.#credentials.refuseLogins(vaultError(answer, 'The login'));
    return answer;
  }

  /**
   * The server knows the token, which may be older than what its role may do. One fresh one is tried for all who are denied
   * something at the same moment; whatever becomes of it, the denial stands unless it helps.
   */
  private async tried(
    denied: OwnAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<OwnAnswer> {
    if (this.#trying !== undefined) {
      await waitFor(this.#trying, options);
      const other = await this.#credentials.other(denied.credential, options);
      return other ? await this.sendAgain(other, request, options) : denied;
    }
    if (!this.#retriesDenied || !this.#denied.mayTryAnew(request)) return denied;
    const trying = this.tryAnew(denied, request, options);
    this.#trying = trying.finally(() => (this.#trying = undefined));
    return await trying;
  }

  private async tryAnew(
    denied: OwnAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): Promise<OwnAnswer> {
    const granting = this.#credentials.grant();
    try {
      const fresh = await waitFor(granting, options);
      return this.chosen(await this.sendAgain(fresh, request, options), denied, request);
    } catch {
      granting.then((fresh) => this.#credentials.giveBack(fresh)).catch(() => undefined);
      return denied;
    }
  }

  private triedSync(
    denied: OwnAnswer,
    request: VaultRequest,
    options: OperationOptions,
  ): OwnAnswer {
    if (!this.#retriesDenied || !this.#denied.mayTryAnew(request)) return denied;
    let fresh: Credential | undefined;
    try {
      fresh = this.#credentials.grantSync(options.timeoutMs);
      return this.chosen(this.sendAsSync(fresh, request, options), denied, request);
    } catch {
      if (fresh !== undefined) this.#credentials.giveBack(fresh);
      return denied;
    }
  }

  /** A fresh token that helps takes the place of the other; one that does not is given back, and nothing has changed. */
  private chosen(tried: OwnAnswer, denied: OwnAnswer, request: VaultRequest): OwnAnswer {
    const hasHelped = !isDenial(tried) && tried.statusCode <= LAST_TELLING_STATUS;
    if (hasHelped) {
      this.#denied.helped();
      this.#credentials.adopt(tried.credential);
      return tried;
    }
    this.#denied.notHelped(request);
    this.#credentials.giveBack(tried.credential);
    return denied;
  }
}

/** Without a spread: to add something to one costs 5 us on Node 20. */
function answerTo(
  credential: Credential,
  { statusCode, headers, content, text, explanation, asked }: VaultAnswer,
): OwnAnswer {
  return { statusCode, headers, content, text, explanation, asked, credential };
}
