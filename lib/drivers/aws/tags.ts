import type { WriteOptions } from '../../core/contract/custom-secret-manager';

/** A tag as the services of AWS return it. */
interface ReturnedTag {
  readonly Key?: string;
  readonly Value?: string;
}

/** Returns tags as the services of AWS take them, or `undefined` if there is none. */
export function toTags(
  tags: WriteOptions['tags'] = {},
): { Key: string; Value: string }[] | undefined {
  const entries = Object.entries(tags);
  return entries.length > 0 ? entries.map(([Key, Value]) => ({ Key, Value })) : undefined;
}

/** Returns the tags of the user. Only AWS sets tags that start with `aws:`. */
export function userTags(tags: readonly ReturnedTag[] = []): Record<string, string> {
  return Object.fromEntries(
    tags
      .filter(({ Key = '' }) => !Key.startsWith('aws:'))
      .map(({ Key = '', Value = '' }) => [Key, Value]),
  );
}
