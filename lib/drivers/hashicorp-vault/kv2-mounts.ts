import { SecretManagerError } from '../../core/secret-manager.error';
import { subjectOf } from './engine';
import { isObject, type VaultAnswer } from './exchange';
import type { VaultCall } from './vault-call';
import { isFromVault } from './vault-errors';
import { vaultPath } from './vault-path';
import type { VaultTalk } from './vault-talk';

const MAX_KNOWN = 1_000;

/**
 * Tells a mount of KV 1 from one that lacks a secret: to KV 1 the paths of version 2 are names like others, under which it
 * has nothing, and keeps whatever is written.
 */
export class Kv2Mounts {
  readonly #known = new Set<string>();

  /** Throws `MISCONFIGURED` if the mount is of KV 1. The server is asked once; if it does not say, the mount is taken for right. */
  *check(call: VaultCall, doing: string): VaultTalk<void> {
    const { mount, namespace } = call;
    const key = JSON.stringify([namespace, mount]);
    if (this.#known.has(key)) return;
    const path = vaultPath(mount).replace('/v1/', '/v1/sys/internal/ui/mounts/');
    const answer = yield { method: 'GET', path, namespace, isProbe: true };
    if (isKv1(answer)) throw isOfKv1(call, doing);
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

function isKv1({ statusCode, content }: VaultAnswer): boolean {
  const data = content?.data;
  if (statusCode !== 200 || !isObject(data) || (data.type !== 'kv' && data.type !== 'generic'))
    return false;
  return !isObject(data.options) || data.options.version !== '2';
}
