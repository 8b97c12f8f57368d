import {
  Cancellation,
  CANCELLATION,
  managerClosed,
  type CallOptions,
} from '../../../core/calls/cancellation';
import { translateError } from '../../../core/errors/error-table';
import {
  isTransient,
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';
import type { HttpSteps } from '../wire/http-request';
import { waitOrBlock } from '../wire/steps';
import type { TokenGrant, TokenLogin } from './token-session';
import { waitFor } from '../wire/waiting';

export interface CredentialObjectOptions {
  /** The name of the manager in errors. */
  readonly manager: string;
  /** The method of the object in errors, as `getToken()`. */
  readonly method: string;
  readonly ask: () => unknown;
  /** Returns the token in an answer of the object, or `undefined`. */
  readonly grantOf: (given: unknown) => TokenGrant | undefined;
  /** A sentence with the remedy for a failure. */
  readonly remedy: string;
}

/** The longest time for a token, in milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * The login by a credential object of the application. A blocking read cannot wait for the object, and takes its last
 * token for one request.
 */
export class CredentialObject implements TokenLogin {
  readonly #options: CredentialObjectOptions;
  readonly #context: OperationContext;
  readonly #closing = new Cancellation();
  #lastToken: string | undefined;

  constructor(options: CredentialObjectOptions) {
    this.#options = options;
    this.#context = { manager: options.manager, operation: 'login' };
  }

  *logIn(): HttpSteps<TokenGrant> {
    return yield* waitOrBlock<TokenGrant>({
      wait: () => this.requestToken(),
      block: () => ({ token: this.lastToken(), validForMs: 0, isKept: true }),
    });
  }

  /** Ends the wait for a token. */
  close(): void {
    this.#closing.cancel(managerClosed(this.#context));
  }

  private async requestToken(): Promise<TokenGrant> {
    const { grantOf } = this.#options;
    const limit: CallOptions = { timeoutMs: TIMEOUT_MS, [CANCELLATION]: this.#closing };
    const grant = grantOf(await waitFor(this.ask(), limit, this.#context));
    if (grant === undefined || grant.token === '') throw this.failed('gave no usable token');
    this.#lastToken = grant.token;
    return grant;
  }

  /** Hides the error of the object, which may quote an answer. An outage stays one. */
  private async ask(): Promise<unknown> {
    try {
      return await this.#options.ask();
    } catch (thrown) {
      const translated = translateError(thrown, this.#context);
      throw isTransient(translated) ? translated : this.failed('failed');
    }
  }

  private lastToken(): string {
    if (this.#lastToken !== undefined) return this.#lastToken;
    throw new SecretManagerError(
      'UNSUPPORTED',
      `A synchronous read cannot wait for ${this.#options.method} of \`auth\`, and there is no token of an earlier request. ` +
        'Read a secret asynchronously first, as `preload` does, or use another login.',
    );
  }

  private failed(happened: string): SecretManagerError {
    const { method, remedy } = this.#options;
    return new SecretManagerError(
      'UNAUTHENTICATED',
      `${method} of \`auth\` ${happened}. ${remedy}`,
    );
  }
}
