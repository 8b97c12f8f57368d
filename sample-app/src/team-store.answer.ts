import {
  SecretManagerError,
  StoreResponseError,
  type SecretReading,
} from 'nestjs-custom-secret-manager';

/** A secret of the store. `data` is null if it is missing, or if its last version was deleted. */
export interface Stored {
  readonly data?: { readonly value?: unknown } | null;
  readonly metadata?: { readonly version: number };
  readonly version?: number;
}

interface Answer {
  readonly data?: Stored;
  readonly errors?: readonly string[];
}

/**
 * Returns the secret in an answer, and throws every failure. A 404 with an error, as of a proxy, is a failure, too.
 */
export function storedIn(statusCode: number, headers: object, text: string): Stored {
  const { data, errors } = parse(text);
  if (statusCode === 204) return {};
  if (data && (statusCode === 200 || data.data === null)) return data;
  if (statusCode === 404 && errors?.length === 0) return { data: null };
  const answer = `${statusCode} ${errors?.join() ?? ''}`;
  const known = MISLEADING.find(([form]) => form.test(answer));
  if (known) throw new SecretManagerError(known[1], known[2]);
  throw new StoreResponseError(statusCode, { headers });
}

/** Returns the value of a secret with its version, or `undefined` if there is none. */
export function readingOf({ data, metadata }: Stored): SecretReading | undefined {
  if (data === null) return undefined;
  if (typeof data?.value !== 'string') {
    throw new SecretManagerError('MALFORMED', 'The secret is not kept as { "value": "..." }.');
  }
  return { value: data.value, version: String(metadata?.version) };
}

function parse(text: string): Answer {
  try {
    return Object(JSON.parse(text)) as Answer;
  } catch {
    return {};
  }
}

/** The answers whose status alone would mislead. The caller sees the messages, so they quote no answer. */
const MISLEADING = [
  [/^200 /, 'MALFORMED', 'What answers at STORE_ADDR is not the store. Check it.'],
  [/^400 .*check-and-set/, 'CONFLICT', 'The secret exists already, or was changed meanwhile.'],
  // a path that is denied says "1 error occurred" first
  [
    /^403 (permission denied$|.*invalid token)/,
    'UNAUTHENTICATED',
    'STORE_TOKEN is refused. Renew it.',
  ],
] as const;
