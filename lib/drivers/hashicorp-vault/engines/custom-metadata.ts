import type { SecretDescription, WriteOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

/** The description and tags of a KV 2 secret, in the form in which the server stores them. */
export type CustomMetadata = Readonly<Record<string, string>>;

const DESCRIPTION = 'description';
/** The limits of the server, checked before the value is written. */
const MAX_KEYS = 64;
const MAX_KEY_BYTES = 128;
const MAX_TEXT_BYTES = 512;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * Merges new description and tags into the stored ones. Omitted ones stay. Throws `INVALID_ARGUMENT` for metadata
 * that the server would refuse.
 */
export function mergeMetadata(
  { description, tags }: WriteOptions,
  before: CustomMetadata,
): CustomMetadata {
  if (tags !== undefined && Object.hasOwn(tags, DESCRIPTION)) {
    throw invalidArgument(
      `A tag cannot be named "${DESCRIPTION}" here: use the option of that name.`,
    );
  }
  const { [DESCRIPTION]: descriptionBefore, ...tagsBefore } = before;
  const describedAs = description ?? descriptionBefore;
  const metadata = {
    ...(tags ?? tagsBefore),
    ...(describedAs !== undefined && { [DESCRIPTION]: describedAs }),
  };
  const entries = Object.entries(metadata);
  if (entries.length > MAX_KEYS) {
    throw invalidArgument(
      `There are ${entries.length} tags, the description counted: Vault keeps ${MAX_KEYS} at most.`,
    );
  }
  for (const [key, text] of entries) {
    const name = key === DESCRIPTION ? 'The description' : `The tag ${quoteName(key)}`;
    const problem =
      problemOf(key, MAX_KEY_BYTES, 'its name') ?? problemOf(text, MAX_TEXT_BYTES, 'it');
    if (problem !== undefined)
      throw invalidArgument(`${name} cannot be kept by Vault: ${problem}.`);
  }
  return metadata;
}

export function descriptionOf({
  [DESCRIPTION]: description,
  ...tags
}: CustomMetadata): SecretDescription {
  return { ...(description !== undefined && { description }), tags };
}

function problemOf(text: string, maxBytes: number, what: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0) return `${what} is empty`;
  if (bytes > maxBytes) return `${what} has ${bytes} bytes, and ${maxBytes} is the most`;
  return UNPRINTABLE.test(text)
    ? `${what} has a line break or another character that cannot be printed`
    : undefined;
}

function invalidArgument(message: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', message);
}
