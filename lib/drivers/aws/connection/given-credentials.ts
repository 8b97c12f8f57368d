import { read } from '../../../core/errors/safe-access';

/** The errors of the SDK's own providers, which a table explains. */
const OF_PROVIDERS = /(ProviderError|FallbackError|SyntaxError)$/;
const SENDABLE = /^[\x21-\x7e]+$/;

/**
 * Returns the credentials for a client. A function of the application is called through a check: its own errors never
 * come out, and keys that no header can hold are not used.
 */
export function checkedCredentials<Credentials>(credentials: Credentials): Credentials {
  if (typeof credentials !== 'function') return credentials;
  return new Proxy(credentials, {
    apply: (provider, self, args) => ask(() => Reflect.apply(provider, self, args)),
  });
}

async function ask(provide: () => unknown): Promise<unknown> {
  const given = await attempt(provide);
  const keys = ['accessKeyId', 'secretAccessKey'].map((part) => read(given, part));
  const token = read(given, 'sessionToken');
  const parts = token === undefined ? keys : [...keys, token];
  if (parts.every((part) => typeof part === 'string' && SENDABLE.test(part))) return given;
  throw namedError('UnusableCredentials');
}

async function attempt(provide: () => unknown): Promise<unknown> {
  try {
    return await provide();
  } catch (thrown) {
    throw isExplained(thrown) ? thrown : namedError('CredentialsProviderError');
  }
}

/** Returns whether an error is of the SDK, of AWS or of the network. */
function isExplained(thrown: unknown): boolean {
  const isOfCall = ['code', '$metadata'].some((trait) => read(thrown, trait) !== undefined);
  return isOfCall || OF_PROVIDERS.test(String(read(thrown, 'name')));
}

/** Creates an error that a row of `error-rows.ts` explains. */
function namedError(name: string): Error {
  return Object.assign(new Error(), { name });
}
