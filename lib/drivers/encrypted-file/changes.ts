import type { SecretMetadata, WriteOptions } from '../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import type { SecretRecord } from './format';
import type { StoreKeys } from './keyring';
import { seal, unseal } from './sealing';

const DAY_MS = 86_400_000;

export type SecretRecords = ReadonlyMap<string, SecretRecord>;

/** What a change works on. */
export interface Draft {
  /** What is in the store. What is in it after the change is what will be. */
  readonly records: Map<string, SecretRecord>;
  /** The version for what the change makes. */
  readonly version: string;
  readonly keys: StoreKeys;
}

/** Creates or updates a secret, or restores one that is pending deletion; keeps what `options` do not mention. */
export function writeTo(
  { records, version, keys }: Draft,
  name: string,
  value: string,
  options: WriteOptions,
): SecretMetadata {
  const before = records.get(name);
  if (options.createOnly && isThere(before)) throw conflict(name);
  const known = before && unseal(keys.sealing, before);
  const { description = known?.description, tags = known?.tags } = options;
  const createdAt = before?.createdAt ?? new Date().toISOString();
  const sealed = seal(keys.sealing, { name, version }, { value, description, tags });
  records.set(name, { name, version, createdAt, ...sealed });
  return { version, createdAt: new Date(createdAt) };
}

/** Keeps the secret until `deletionAt`. One that is pending deletion stays so until then, or is removed with 0 days. */
export function deleteFrom({ records }: Draft, name: string, days: number): SecretMetadata {
  const record = records.get(name);
  if (record === undefined || days === 0) {
    records.delete(name);
    return {};
  }
  const deletionAt = record.deletionAt ?? inDays(days, name);
  if (record.deletionAt === undefined) records.set(name, { ...record, deletionAt });
  return { deletionAt: new Date(deletionAt) };
}

/** What is left of the records when those are gone that have outlived their recovery window. */
export function withoutExpired(records: SecretRecords): Map<string, SecretRecord> {
  const now = Date.now();
  const isKept = ({ deletionAt }: SecretRecord): boolean =>
    deletionAt === undefined || Date.parse(deletionAt) > now;
  return new Map([...records].filter(([, record]) => isKept(record)));
}

export function isSame(one: SecretRecords, other: SecretRecords): boolean {
  return one.size === other.size && [...one].every(([name, record]) => other.get(name) === record);
}

export function isThere(record: SecretRecord | undefined): record is SecretRecord {
  return record !== undefined && record.deletionAt === undefined;
}

function inDays(days: number, secretName: string): string {
  const date = new Date(Date.now() + days * DAY_MS);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `There is no date in ${days} days: give ${quoteName(secretName)} a shorter \`recoveryWindowInDays\`.`,
  );
}

function conflict(name: string): SecretManagerError {
  return new SecretManagerError('CONFLICT', `${quoteName(name)} exists already.`);
}
