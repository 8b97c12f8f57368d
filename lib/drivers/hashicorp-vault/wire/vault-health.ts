import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { VaultClient } from './vault-client';
import { vaultError } from './vault-errors';

export type VaultServerState =
  | 'active'
  | 'standby'
  | 'performance-standby'
  | 'disaster-recovery-standby'
  | 'uninitialised'
  | 'sealed';

/** The statuses of `sys/health`. They mean something else on every other path. */
const STATES: ReadonlyMap<number, VaultServerState> = new Map([
  [200, 'active'],
  [429, 'standby'],
  [472, 'disaster-recovery-standby'],
  [473, 'performance-standby'],
  [501, 'uninitialised'],
  [503, 'sealed'],
] as const);

/** The states in which a server can serve. A standby forwards requests. */
export const SERVING: ReadonlySet<VaultServerState> = new Set([
  'active',
  'standby',
  'performance-standby',
] as const);

/**
 * Resolves to the state of the server. Sends neither token nor namespace: the server refuses the call with a
 * namespace.
 */
export async function serverState(
  client: VaultClient,
  options: OperationOptions,
): Promise<VaultServerState> {
  const answer = await client.send({ method: 'GET', path: '/v1/sys/health' }, options);
  const state = STATES.get(answer.statusCode);
  const isVault = typeof answer.content?.sealed === 'boolean';
  if (state === undefined || !isVault)
    throw vaultError(answer, 'Asking for the health of the server');
  return state;
}
