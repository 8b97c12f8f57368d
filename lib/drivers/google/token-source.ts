import { waitFor } from '../../core/calls/waiting';
import { translateError } from '../../core/errors/error-table';
import { read } from '../../core/errors/safe-access';
import { isTransient, SecretManagerError } from '../../core/errors/secret-manager.error';
import type { HttpSteps } from '../http/http-request';
import { waitOrBlock } from '../http/steps';
import type { TokenGrant } from '../http/token-session';
import type { GoogleToken, GoogleTokenSource } from './google-auth';

const TIMEOUT_MS = 10_000;
/** The object is asked for each request, because it keeps its token itself. */
const FOR_ONE_REQUEST = 0;

/** Asks an object of the application for tokens. A blocking read cannot wait, and takes the last token. */
export class SourceTokens {
  readonly #manager: string;
  readonly #source: GoogleTokenSource;
  #last: string | undefined;

  constructor(manager: string, source: GoogleTokenSource) {
    this.#manager = manager;
    this.#source = source;
  }

  *token(): HttpSteps<TokenGrant> {
    const grant = yield* waitOrBlock({
      wait: async () => ({ token: await this.ask(), isKept: false }),
      block: () => ({ token: this.lastToken(), isKept: true }),
    });
    return { ...grant, validForMs: FOR_ONE_REQUEST };
  }

  private async ask(): Promise<string> {
    const context = { manager: this.#manager, operation: 'login' };
    const asked = async (): Promise<GoogleToken> => await this.#source.getAccessToken();
    const given = await waitFor(asked(), { timeoutMs: TIMEOUT_MS }, context).catch(
      (thrown: unknown) => {
        const error = translateError(thrown, context);
        throw isTransient(error) ? error : failed();
      },
    );
    const token = typeof given === 'string' ? given : read(given, 'token');
    if (typeof token !== 'string' || token === '') throw noToken();
    return (this.#last = token);
  }

  private lastToken(): string {
    if (this.#last !== undefined) return this.#last;
    throw new SecretManagerError(
      'UNSUPPORTED',
      'A synchronous read cannot wait for getAccessToken() of `auth`, and there is no token of an earlier request. Read something asynchronously first, or `preload` the name.',
    );
  }
}

function failed(): SecretManagerError {
  return new SecretManagerError(
    'UNAUTHENTICATED',
    'getAccessToken() of `auth` failed. Check the credentials of that object, and its scope https://www.googleapis.com/auth/cloud-platform.',
  );
}

function noToken(): SecretManagerError {
  return new SecretManagerError(
    'UNAUTHENTICATED',
    'getAccessToken() of `auth` gave no token. Check the credentials of that object.',
  );
}
