import { isObject } from '../wire/vault-answer';

type Fields = Readonly<Record<string, unknown>>;

/** The fields that were read, and how long they stay valid. */
export interface LeasedFields {
  readonly fields: Fields | undefined;
  readonly validForMs?: number;
}

/** A lease as the server granted it. */
export interface GrantedLease {
  readonly id: string;
  readonly fields: Fields;
  readonly durationMs: number;
  readonly isRenewable: boolean;
}

/** Returns the lease of an answer, or `undefined` if there is none. A lease of unknown duration expires at once. */
export function leaseOf(content: Fields): GrantedLease | undefined {
  const { lease_id: id, lease_duration: seconds, renewable, data } = content;
  if (typeof id !== 'string' || id === '' || !isObject(data)) return undefined;
  const durationMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : 0;
  return { id, fields: data, durationMs, isRenewable: renewable === true };
}

/** Returns the fields of an answer without a lease. A rotated password carries its own time to live. */
export function unleasedFields({ data }: Fields): LeasedFields {
  if (!isObject(data)) return { fields: undefined };
  const { ttl, last_vault_rotation: rotatedAt } = data;
  const isRotated = typeof ttl === 'number' && ttl >= 0 && typeof rotatedAt === 'string';
  return { fields: data, validForMs: isRotated ? ttl * 1_000 : undefined };
}
