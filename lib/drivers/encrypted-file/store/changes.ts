import type { SecretMetadata, WriteOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { Entry } from '../seals/bucket';
import type { Draft } from './draft';

const DAY_MS = 86_400_000;

/** Creates, updates or restores a secret. Keeps description and tags that `options` leave out. */
export function writeTo(
  draft: Draft,
  name: string,
  value: string,
  options: WriteOptions,
): SecretMetadata {
  const entry = draft.entry(name);
  const before = entry !== undefined && isKept(entry) ? entry : undefined;
  if (options.createOnly && before !== undefined && isPresent(before)) throw conflict(name);
  const known = before && draft.content(before);
  const { description = known?.description, tags = known?.tags } = options;
  const createdAt = known?.createdAt ?? new Date().toISOString();
  const version = draft.put(name, { value, description, tags, createdAt });
  return { version: String(version), createdAt: new Date(createdAt) };
}

/**
 * Keeps the secret until `deletionAt`. A secret that is already pending deletion keeps its date; 0 days remove it at
 * once.
 */
export function deleteFrom(draft: Draft, name: string, days: number): SecretMetadata {
  const entry = draft.entry(name);
  if (entry === undefined) return {};
  if (days === 0 || !isKept(entry)) {
    draft.remove(name);
    return {};
  }
  const deletionAt = entry.deletionAt ?? inDays(days, name);
  if (entry.deletionAt === undefined) draft.markDeleted(entry, deletionAt);
  return { deletionAt: new Date(deletionAt) };
}

export function isPresent({ deletionAt }: Entry): boolean {
  return deletionAt === undefined;
}

/** Tells whether a secret is present or can be restored. */
export function isKept({ deletionAt = Infinity }: Pick<Entry, 'deletionAt'>): boolean {
  return deletionAt > Date.now();
}

function inDays(days: number, secretName: string): number {
  const date = new Date(Date.now() + days * DAY_MS);
  if (!Number.isNaN(date.getTime())) return date.getTime();
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `There is no date in ${days} days: give ${quoteName(secretName)} a shorter \`recoveryWindowInDays\`.`,
  );
}

function conflict(name: string): SecretManagerError {
  return new SecretManagerError('CONFLICT', `${quoteName(name)} exists already.`);
}
