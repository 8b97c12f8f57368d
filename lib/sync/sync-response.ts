import { SecretManagerError } from '../core/errors/secret-manager.error';

/** What the worker hands back. */
export interface RawResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What a server answered, whatever the status. */
export class SyncResponse {
  readonly statusCode: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly #text: string;

  constructor({ statusCode, headers, text }: RawResponse) {
    this.statusCode = statusCode;
    this.headers = headers;
    this.#text = text;
  }

  /** The body, read as UTF-8. */
  text(): string {
    return this.#text;
  }

  /** The body, read as JSON. Throws `MALFORMED` if it is none, without quoting it. */
  json(): unknown {
    try {
      return JSON.parse(this.#text);
    } catch {
      throw new SecretManagerError('MALFORMED', 'The answer is no JSON.');
    }
  }
}
