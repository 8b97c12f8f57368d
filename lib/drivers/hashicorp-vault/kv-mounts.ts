import { SecretManagerError } from '../../core/secret-manager.error';
import { subjectOf } from './engine';
import { isObject, type VaultAnswer } from './exchange';
import type { VaultCall } from './vault-call';
import { isFromVault } from './vault-errors';
import { vaultPath } from './vault-path';
import type { VaultTalk } from './vault-talk';

const MAX_KNOWN = 1_000;

/**
 * Tells a mount of the other KV version from one that lacks or denies a secret. To KV 1 the paths of version 2 are names like
 * others. To KV 2 the paths of version 1 are nothing, and no ordinary policy allows them.
 */
export class KvMounts {
  readonly #known = new Set<string>();

  /**
   * Throws `MISCONFIGURED` if the mount is of the other version than the call's. The server is asked once; if it does not say,
   * the mount is taken for right.
   */
  *check(call: VaultCall, doing: string): VaultTalk<void> {
    const { mount, namespace, kvVersion } = call;
    const key = JSON.stringify([namespace, mount, kvVersion]);
    if (this.#known.has(key)) return;
    const path = vaultPath(mount).replace('/v1/', '/v1/sys/internal/ui/mounts/');
    const answer = yield { method: 'GET', path, namespace, isProbe: true };
    const version = kvVersionIn(answer);
    if (version === 1 && kvVersion === 2) throw isOfKv1(call, doing);
    if (version === 2 && kvVersion === 1) throw isOfKv2(call, doing);
    if (![200, 403, 404].includes(answer.statusCode) || !isFromVault(answer)) return; // it may say so another time
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.add(key);
  }
}

export function isOfKv1(call: VaultCall, doing: string, result = ''): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `${subjectOf(doing, call)} failed: the mount is of KV version 1. Set kvVersion to 1.${result}`,
  );
}

function isOfKv2(call: VaultCall, doing: string): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `${subjectOf(doing, call)} failed: the mount is of KV version 2. Set kvVersion to 2.`,
  );
}

function kvVersionIn({ statusCode, content }: VaultAnswer): 1 | 2 | undefined {
  const data = content?.data;
  const isKv = isObject(data) && (data.type === 'kv' || data.type === 'generic');
  if (statusCode !== 200 || !isKv) return undefined;
  return isObject(data.options) && data.options.version === '2' ? 2 : 1;
}
