import { SecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf } from '../core/errors/wording';

/** A proxy in the form of undici: its address without credentials, and the credentials as a header. */
export interface Proxy {
  readonly uri: string;
  readonly token: string | undefined;
}

const EXAMPLE = 'as "http://proxy.example:3128"';

/** Returns the problem with the URL of a proxy, as the end of a sentence that quotes nothing of it. */
export function proxyProblem(given: unknown): string | undefined {
  if (typeof given !== 'string') return `must be a string, and is ${kindOf(given)}`;
  if (!URL.canParse(given)) return `must be a URL, ${EXAMPLE}`;
  const { protocol, pathname, search, hash, username, password } = new URL(given);
  if (!/^https?:$/.test(protocol)) return `must begin with http: or https:, ${EXAMPLE}`;
  if (pathname !== '/' || search || hash) return `must end with the host, ${EXAMPLE}`;
  if (decoded(username) !== undefined && decoded(password) !== undefined) return undefined;
  return 'holds a user name or a password with a percent sign that is not encoded: write %25';
}

/** Splits a URL without {@link proxyProblem}. */
export function proxyOf(given: string): Proxy {
  const { origin, username, password } = new URL(given);
  if (username === '' && password === '') return { uri: origin, token: undefined };
  const credentials = `${decoded(username) ?? ''}:${decoded(password) ?? ''}`;
  return { uri: origin, token: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** Translates the error of a proxy that opened no tunnel. Returns `undefined` for other errors. */
export function proxyRefusal({ message, code }: ProxyError): SecretManagerError | undefined {
  const status =
    code === 'UND_ERR_ABORTED' ? /^Proxy response \((\d+)\)/.exec(message)?.[1] : undefined;
  return status === undefined ? undefined : refusedWith(Number(status));
}

interface ProxyError {
  readonly message: string;
  readonly code?: unknown;
}

/** Translates the status of a proxy's answer to `CONNECT`. */
export function refusedWith(status: number): SecretManagerError {
  if (status === 407) {
    return new SecretManagerError(
      'MISCONFIGURED',
      'The proxy does not accept the user name and the password that it was sent. Give them in the URL of `proxy`. (HTTP 407)',
    );
  }
  if (status === 408 || status === 429 || status >= 500) {
    return new SecretManagerError(
      'UNAVAILABLE',
      `The proxy could not connect to the server. It may succeed later. (HTTP ${status})`,
    );
  }
  return new SecretManagerError(
    'MISCONFIGURED',
    `The proxy does not connect to the server. Permit it there, or list the server's host in \`noProxy\`. (HTTP ${status})`,
  );
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
