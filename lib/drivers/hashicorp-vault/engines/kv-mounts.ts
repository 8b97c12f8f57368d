import { SecretManagerError, isTransient } from '../../../core/errors/secret-manager.error';
import type { VaultCall } from '../options/vault-call';
import { isObject, type VaultAnswer } from '../wire/vault-answer';
import type { Steps } from '../wire/vault-steps';
import { isFromVault, vaultError } from '../wire/vault-errors';
import { vaultPath } from '../wire/vault-path';
import type { VaultRequest } from '../wire/vault-request';
import { subjectOf } from './engine';

const MAX_KNOWN = 1_000;

/**
 * Detects a mount of the other KV version, which looks like a missing or denied secret. KV 1 takes the paths of
 * version 2 for ordinary names. KV 2 has no paths of version 1, and policies rarely allow them.
 */
export class KvMounts {
  readonly #known = new Set<string>();
  readonly #confirmed = new Set<string>();

  /**
   * Throws `MISCONFIGURED` if the mount has another KV version than the call. The server is asked once per mount. A
   * mount of unknown version counts as right.
   */
  *check(call: VaultCall, doing: string): Steps<void> {
    const { mount, namespace, kvVersion } = call;
    const key = JSON.stringify([namespace, mount, kvVersion]);
    if (this.#known.has(key)) return;
    const answer = yield requestOf(call);
    const version = kvVersionIn(answer);
    if (version === 1 && kvVersion === 2) throw kv1Mount(call, doing);
    if (version === 2 && kvVersion === 1) throw kv2Mount(call, doing);
    if (![200, 403, 404].includes(answer.statusCode) || !isFromVault(answer)) return; // ask again next time
    remember(this.#known, key);
  }

  /**
   * Throws unless the server confirms a KV mount. A supposed mount may be a namespace that contains a namespace
   * `data`. A name must not write to the `sys` or `auth` of that namespace.
   */
  *assertMounted(call: VaultCall, doing: string): Steps<void> {
    const key = JSON.stringify([call.namespace, call.mount]);
    if (this.#confirmed.has(key)) return;
    const answer = yield requestOf(call);
    const failure = vaultError(answer, subjectOf(doing, call));
    if (isTransient(failure)) throw failure;
    if (kvVersionIn(answer) === undefined) throw internalName(call, doing);
    remember(this.#confirmed, key);
  }
}

function requestOf({ mount, namespace }: VaultCall): VaultRequest {
  const path = vaultPath(mount).replace('/v1/', '/v1/sys/internal/ui/mounts/');
  return { method: 'GET', path, namespace, isProbe: true };
}

function remember(keys: Set<string>, key: string): void {
  if (keys.size >= MAX_KNOWN) keys.clear();
  keys.add(key);
}

function internalName(call: VaultCall, doing: string): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    `${subjectOf(doing, call)} failed: the name has a part "sys" or "auth", and the server does not say that KV is mounted ` +
      'there. Check the mount.',
  );
}

export function kv1Mount(call: VaultCall, doing: string, result = ''): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `${subjectOf(doing, call)} failed: the mount is of KV version 1. Set kvVersion to 1.${result}`,
  );
}

function kv2Mount(call: VaultCall, doing: string): SecretManagerError {
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
