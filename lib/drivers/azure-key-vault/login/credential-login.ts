import { Cancellation, CANCELLATION, type CallOptions } from '../../../core/calls/cancellation';
import { translateError } from '../../../core/errors/error-table';
import { read } from '../../../core/errors/safe-access';
import {
  isTransient,
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';
import type { HttpSteps } from '../../http/http-request';
import { waitOrBlock } from '../../http/steps';
import type { TokenGrant, TokenLogin } from '../../http/token-session';
import { waitFor } from '../../http/waiting';
import type { AzureCredential } from '../options/azure.options';

/** The longest time for a token, in milliseconds. */
const TOKEN_TIMEOUT_MS = 10_000;

/** The login by a credential object of the application. */
export class CredentialLogin implements TokenLogin {
  readonly #credential: AzureCredential;
  readonly #scope: string;
  readonly #context: OperationContext;
  readonly #closing = new Cancellation();

  constructor(credential: AzureCredential, scope: string, manager: string) {
    this.#credential = credential;
    this.#scope = scope;
    this.#context = { manager, operation: 'login' };
  }

  *logIn(): HttpSteps<TokenGrant> {
    return yield* waitOrBlock<TokenGrant>({
      wait: () => this.requestToken(),
      block: () => {
        throw new SecretManagerError(
          'UNSUPPORTED',
          'The credential object of `auth` gives no token synchronously, and there is none from before. Read a secret ' +
            'asynchronously first, as `preload` does, or use another login.',
        );
      },
    });
  }

  /** Ends the wait for a token. */
  close(): void {
    this.#closing.cancel(
      new SecretManagerError('UNAVAILABLE', 'The manager was closed.', this.#context),
    );
  }

  private async requestToken(): Promise<TokenGrant> {
    const limit: CallOptions = { timeoutMs: TOKEN_TIMEOUT_MS, [CANCELLATION]: this.#closing };
    const granted = await waitFor(this.ask(), limit, this.#context);
    const [token, end] = [read(granted, 'token'), read(granted, 'expiresOnTimestamp')];
    if (typeof token === 'string' && typeof end === 'number' && Number.isFinite(end)) {
      return { token, validForMs: end - Date.now() };
    }
    throw new SecretManagerError(
      'UNAUTHENTICATED',
      'The credential object of `auth` gave no token with an `expiresOnTimestamp`. Check its login.',
    );
  }

  /** Hides the error of the credential, which may quote an answer. An outage stays one. */
  private async ask(): Promise<unknown> {
    try {
      return await this.#credential.getToken(this.#scope);
    } catch (thrown) {
      const translated = translateError(thrown, this.#context);
      if (isTransient(translated)) throw translated;
      throw new SecretManagerError(
        'UNAUTHENTICATED',
        `${translated.message} Check the login of \`auth\`.`,
      );
    }
  }
}
