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

/** The statuses of `sys/health`, which mean something else there than anywhere else. */
const STATES: ReadonlyMap<number, VaultServerState> = new Map([
  [200, 'active'],
  [429, 'standby'],
  [472, 'disaster-recovery-standby'],
  [473, 'performance-standby'],
  [501, 'uninitialised'],
  [503, 'sealed'],
] as const);

/** Asked without a token, and without a namespace: with one the server refuses. */
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
