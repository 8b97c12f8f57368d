import {
  SecretManagerError,
  type OperationOptions,
  type SecretManagerErrorCode,
} from 'nestjs-custom-secret-manager';
import { requestSync } from 'nestjs-custom-secret-manager/sync';
import { Pool, type Dispatcher } from 'undici';

/** What the store tells of a secret; `data` is null if there is none, or if its last version was deleted. */
export interface Kept {
  readonly data?: { readonly value?: unknown } | null;
  readonly metadata?: { readonly version: number };
  readonly version?: number;
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly content: { readonly errors?: readonly string[]; readonly data?: Kept };
}

/** Speaks KV 2 of HashiCorp Vault and OpenBao. */
export class KvClient {
  readonly #address: string;
  readonly #token: string;
  readonly #mount: string;
  #connections: Pool | undefined;

  constructor({ address = '', token = '', mount = 'secret' }) {
    this.#address = address;
    this.#token = token;
    this.#mount = mount;
  }

  /** What is wrong with address or token, without either of them. */
  problem(): string | undefined {
    if (!/^https?:\/\/[^/?#@\s]+\/?$/.test(this.#address)) {
      return 'ADDR must be set to the address of the store, as "https://vault.example:8200"';
    }
    if (!/^[\x21-\x7e]+$/.test(this.#token)) {
      return 'TOKEN must be set to a token of the store, without spaces and line breaks';
    }
    return undefined;
  }

  async ask(
    method: Dispatcher.HttpMethod,
    part: 'data' | 'metadata',
    secretName: string,
    options: OperationOptions,
    content?: object,
  ): Promise<Kept> {
    const answer = await this.send(method, this.path(part, secretName), options, content);
    return answer.statusCode === 204 ? {} : keptOf(answer);
  }

  /** Reads a secret while the thread waits. */
  readSync(secretName: string, { timeoutMs }: OperationOptions): Kept {
    const url = new URL(this.path('data', secretName), this.#address);
    const response = requestSync(url, { headers: this.headers, timeoutMs });
    const { statusCode, headers } = response;
    return keptOf({ statusCode, headers, content: contentOf(headers, response.text()) });
  }

  /** Whether the store is initialised, unsealed and active. */
  async isActive(options: OperationOptions): Promise<boolean> {
    const { statusCode } = await this.send('GET', '/v1/sys/health', options);
    return statusCode === 200;
  }

  async close(): Promise<void> {
    if (!this.#connections?.closed) await this.#connections?.close();
  }

  private get headers(): Record<string, string> {
    return { 'x-vault-token': this.#token, 'content-type': 'application/json' };
  }

  private path(part: 'data' | 'metadata', secretName: string): string {
    const segments = `${this.#mount}/${part}/${secretName}`.split('/').map(encodeURIComponent);
    if (segments.some((segment) => /^\.{0,2}$/.test(segment))) throw otherPath();
    return `/v1/${segments.join('/')}`;
  }

  private async send(
    method: Dispatcher.HttpMethod,
    path: string,
    { timeoutMs, signal }: OperationOptions,
    content?: object,
  ): Promise<Answer> {
    this.#connections ??= new Pool(this.#address);
    const { statusCode, headers, body } = await this.#connections.request({
      method,
      path,
      headers: this.headers,
      body: content && JSON.stringify(content),
      headersTimeout: timeoutMs,
      signal,
    });
    return { statusCode, headers, content: contentOf(headers, await body.text()) };
  }
}

function contentOf(headers: Answer['headers'], text: string): Answer['content'] {
  const isJson = text !== '' && String(headers['content-type']).includes('json');
  return isJson ? (JSON.parse(text) as Answer['content']) : {};
}

/** A 404 that complains, of the mount or from a proxy, is not about the secret: it is a failure, not an absence. */
function keptOf(answer: Answer): Kept {
  const { statusCode, content } = answer;
  if (content.data && (statusCode === 200 || content.data.data === null)) return content.data;
  if (statusCode === 404 && content.errors?.length === 0) return { data: null };
  throw failureOf(answer);
}

function failureOf({ statusCode, headers, content }: Answer): Error {
  const text = content.errors?.join() ?? '';
  const known = COMPLAINTS.find(([status, says]) => status === statusCode && says.test(text));
  if (known) return new SecretManagerError(known[2], known[3]);
  return Object.assign(new Error(), { statusCode, headers }); // the library knows what the rest mean
}

/** The store would clean the path, and find another secret there. */
function otherPath(): Error {
  return new SecretManagerError('INVALID_ARGUMENT', 'A name has no empty, "." or ".." part.');
}

/** Where the status alone would mislead. The messages travel on, so nothing of an answer is in them. */
const COMPLAINTS: readonly (readonly [number, RegExp, SecretManagerErrorCode, string])[] = [
  [200, /^$/, 'MALFORMED', 'What answers at STORE_ADDR is not the store. Check it.'],
  [400, /check-and-set/, 'CONFLICT', 'The secret exists already, or was changed meanwhile.'],
  // of a path that is denied the store says "1 error occurred" first
  [
    403,
    /^permission denied$|invalid token/,
    'UNAUTHENTICATED',
    'STORE_TOKEN is refused. Renew it.',
  ],
];
