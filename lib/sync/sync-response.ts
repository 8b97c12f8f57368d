import { SecretManagerError } from '../core/errors/secret-manager.error';

/** A response in the form of the worker. */
export interface RawResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** The response of a server, whatever its status. */
export class SyncResponse {
  readonly statusCode: number;
  /** The headers, by their names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly #body: Uint8Array;

  constructor({ statusCode, headers, body }: RawResponse) {
    this.statusCode = statusCode;
    this.headers = headers;
    this.#body = body;
  }

  /** Returns the bytes of the body. */
  bytes(): Uint8Array {
    return this.#body;
  }

  /** Returns the body as UTF-8 text. */
  text(): string {
    return new TextDecoder().decode(this.#body);
  }

  /** Returns the body as parsed JSON. Throws `MALFORMED` if it is no JSON, without quoting it. */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch {
      throw new SecretManagerError('MALFORMED', 'The answer is no JSON.');
    }
  }
}
