import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';
import { backoffMs } from '../../../core/time/backoff';
import { AgeClock, countingDown } from '../../../core/time/clock';
import type { HttpAnswer, HttpRequest, HttpSteps } from '../wire/http-request';
import type { HttpClients } from '../wire/http-clients';
import { isPrintable } from '../options/option-rules';
import { RefusedLogins } from './refused-logins';
import { waitOrBlock } from '../wire/steps';
import { waitFor } from '../wire/waiting';

/** A token and its lifetime. */
export interface TokenGrant {
  readonly token: string;
  /** The time for which the token is valid, in milliseconds. 0 logs in for each request. */
  readonly validForMs: number;
  /** `true` for a token of an earlier login, which a blocking request takes because it cannot wait. */
  readonly isKept?: boolean;
}

/** The login of a driver. */
export interface TokenLogin {
  /** Requests a token. Throws `UNAUTHENTICATED` if the credentials are refused. */
  logIn(): HttpSteps<TokenGrant>;
  /** The time before its end at which a token is renewed, in milliseconds. Default: a third of its lifetime. */
  readonly renewBeforeEndMs?: number;
}

export interface TokenSessionOptions {
  readonly login: TokenLogin;
  /** The connections of the login. */
  readonly loginClients: HttpClients;
  /** Returns the request with the token in its headers. */
  readonly authorize: (request: HttpRequest, token: string) => HttpRequest;
  /** Returns whether the store refused the token. */
  readonly isRefused: (answer: HttpAnswer) => boolean;
}

interface Credential {
  readonly token: string;
  readonly isKept: boolean;
  /** The time at which the token ends, on the clock of the session. */
  readonly expiresAt: number;
  readonly renewAt: number;
}

const LOGIN_TIMEOUT_MS = 10_000;
/** The pauses between attempts to renew a token that is still valid. */
const PAUSES = { firstMs: 1_000, longestMs: 30_000 };

/**
 * Sends requests with a valid token. Concurrent callers share one login, within 10 s. A token is renewed behind the
 * requests at two thirds of its lifetime, and stays in use until its end if that fails.
 */
export class TokenSession {
  readonly #context: OperationContext;
  readonly #options: TokenSessionOptions;
  readonly #clock = new AgeClock();
  readonly #refused = new RefusedLogins(this.#clock);
  #current: Credential | undefined;
  #loggingIn: Promise<Credential> | undefined;
  #failedRenewals = 0;
  #nextRenewalAt = -Infinity;

  constructor(manager: string, options: TokenSessionOptions) {
    this.#context = { manager, operation: 'login' };
    this.#options = options;
  }

  /**
   * Sends a request with the token. A request whose token is refused is sent once more with another token. Returns
   * the refusal if the login gives the same token again.
   */
  *send(request: HttpRequest, options: OperationOptions): HttpSteps<HttpAnswer> {
    const { authorize, isRefused } = this.#options;
    const token = yield* this.token(options);
    const answer = yield authorize(request, token);
    if (!isRefused(answer)) return answer;
    if (this.#current?.token === token) this.#current = undefined;
    const other = yield* this.token(options);
    if (other === token) return this.refuse(answer, token);
    const retried = yield authorize(request, other);
    return isRefused(retried) ? this.refuse(retried, other) : retried;
  }

  /** Returns a valid token, after a login if there is none. */
  private *token(options: OperationOptions): HttpSteps<string> {
    const current = this.#current;
    if (current !== undefined && this.#clock.now() < current.expiresAt) {
      if (this.isDue(current)) this.renew();
      return current.token;
    }
    const { token } = yield* waitOrBlock({
      wait: () => waitFor(this.sharedLogin(), options, this.#context),
      block: () => this.logInSync(options),
    });
    return token;
  }

  private isDue({ renewAt }: Credential): boolean {
    const time = this.#clock.now();
    return renewAt <= time && this.#nextRenewalAt <= time;
  }

  /** Renews the token behind the requests. */
  private renew(): void {
    const before = this.#current?.token;
    this.#nextRenewalAt = this.#clock.now() + backoffMs(this.#failedRenewals + 1, PAUSES);
    this.sharedLogin().then(
      ({ token }) => (this.#failedRenewals = token === before ? this.#failedRenewals + 1 : 0),
      () => (this.#failedRenewals += 1),
    );
  }

  private sharedLogin(): Promise<Credential> {
    const { loginClients } = this.#options;
    this.#loggingIn ??= loginClients
      .run(this.attempt(), countingDown({}, LOGIN_TIMEOUT_MS))
      .finally(() => (this.#loggingIn = undefined));
    return this.#loggingIn;
  }

  /** A blocking caller cannot wait for a login in flight, and logs in itself. */
  private logInSync({ timeoutMs = LOGIN_TIMEOUT_MS }: OperationOptions): Credential {
    const limit = countingDown({}, Math.min(timeoutMs, LOGIN_TIMEOUT_MS));
    return this.#options.loginClients.runSync(this.attempt(), limit);
  }

  private *attempt(): HttpSteps<Credential> {
    this.#refused.assertOver();
    const askedAt = this.#clock.now();
    try {
      const { token, validForMs, isKept = false } = yield* this.#options.login.logIn();
      if (!isPrintable(token)) throw unusableToken();
      const { renewBeforeEndMs = validForMs / 3 } = this.#options.login;
      const expiresAt = askedAt + validForMs;
      const renewAt = expiresAt - renewBeforeEndMs;
      return (this.#current = { token, isKept, expiresAt, renewAt });
    } catch (error) {
      this.#refused.recordFailure(error);
      throw error;
    }
  }

  /**
   * Fails the next logins for a while, because the token of the last one was refused. The end of a kept token says
   * nothing about the next login.
   */
  private refuse(answer: HttpAnswer, token: string): HttpAnswer {
    const refused = this.#current?.token === token ? this.#current : undefined;
    if (refused !== undefined) this.#current = undefined;
    if (refused?.isKept !== true) this.#refused.record(refusedToken());
    return answer;
  }
}

function unusableToken(): SecretManagerError {
  return new SecretManagerError(
    'UNAUTHENTICATED',
    'The login gave no token, or one with a character that no header can hold. Check the credentials.',
  );
}

function refusedToken(): SecretManagerError {
  return new SecretManagerError(
    'UNAUTHENTICATED',
    'The store refused the token of the last login. Check the login, and what the store accepts.',
  );
}
