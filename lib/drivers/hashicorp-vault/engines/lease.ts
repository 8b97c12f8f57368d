import type { Credential } from '../session/credential';
import { isObject } from '../wire/request-handler';
import type { VaultRequest } from '../wire/vault-request';

type Fields = Readonly<Record<string, unknown>>;

/** What was read, and for how long it may be used. */
export interface LeasedFields {
  readonly fields: Fields | undefined;
  readonly validForMs?: number;
}

/** What the server says of a lease when it grants it. */
export interface GrantedLease {
  readonly id: string;
  readonly fields: Fields;
  readonly durationMs: number;
  readonly isRenewable: boolean;
}

/** One that is held for whoever reads. */
export interface Lease extends GrantedLease {
  readonly key: string;
  readonly namespace: string | undefined;
  /** It dies with the token that asked for it. */
  readonly credential: Credential;
  readonly release: () => void;
  expiresAt: number;
  /** It was replaced, or could not be renewed, or for too short a time: whoever reads next gets another one. */
  isEnding: boolean;
  stopTimer: () => void;
}

export function renewalOf(lease: Lease): VaultRequest {
  return leaseRequest('renew', lease, { increment: Math.ceil(lease.durationMs / 1_000) });
}

export function revocationOf(lease: Lease): VaultRequest {
  return leaseRequest('revoke', lease, { sync: true });
}

function leaseRequest(
  action: string,
  { id, namespace, credential }: Lease,
  more: object,
): VaultRequest {
  const { token } = credential;
  const path = `/v1/sys/leases/${action}`;
  return { method: 'PUT', path, token, namespace, content: { lease_id: id, ...more } };
}

/** `undefined` if there is none; one of which the server does not say how long it lasts is over at once. */
export function leaseOf(content: Fields): GrantedLease | undefined {
  const { lease_id: id, lease_duration: seconds, renewable, data } = content;
  if (typeof id !== 'string' || id === '' || !isObject(data)) return undefined;
  const durationMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : 0;
  return { id, fields: data, durationMs, isRenewable: renewable === true };
}

/** A password that the server rotates comes without a lease, and says itself how long it lasts. */
export function unleasedFields({ data }: Fields): LeasedFields {
  if (!isObject(data)) return { fields: undefined };
  const { ttl, last_vault_rotation: rotatedAt } = data;
  const isRotated = typeof ttl === 'number' && ttl >= 0 && typeof rotatedAt === 'string';
  return { fields: data, validForMs: isRotated ? ttl * 1_000 : undefined };
}
