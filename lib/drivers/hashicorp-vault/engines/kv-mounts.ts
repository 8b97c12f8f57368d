import { SecretManagerError, isTransient } from '../../../core/errors/secret-manager.error';
import type { VaultCall } from '../options/vault-call';
import { isObject, type VaultAnswer } from '../wire/exchange';
import { isFromVault, vaultError } from '../wire/vault-errors';
import { vaultPath } from '../wire/vault-path';
import type { VaultRequest } from '../wire/vault-request';
import type { VaultTalk } from '../wire/vault-talk';
import { subjectOf } from './engine';

const MAX_KNOWN = 1_000;

/**
 * Tells a mount of the other KV version from one that lacks or denies a secret. To KV 1 the paths of version 2 are names like
 * others. To KV 2 the paths of version 1 are nothing, and no ordinary policy allows them.
 */
export class KvMounts {
  readonly #known = new Set<string>();
  readonly #sure = new Set<string>();

  /**
   * Throws `MISCONFIGURED` if the mount is of the other version than the call's. The server is asked once; if it does not say,
   * the mount is taken for right.
   */
  *check(call: VaultCall, doing: string): VaultTalk<void> {
    const { mount, namespace, kvVersion } = call;
    const key = JSON.stringify([namespace, mount, kvVersion]);
    if (this.#known.has(key)) return;
    const answer = yield requestOf(call);
    const version = kvVersionIn(answer);
    if (version === 1 && kvVersion === 2) throw isOfKv1(call, doing);
    if (version === 2 && kvVersion === 1) throw isOfKv2(call, doing);
    if (![200, 403, 404].includes(answer.statusCode) || !isFromVault(answer)) return; // it may say so another time
    keep(this.#known, key);
  }

  /**
   * Throws unless the server says that a secrets engine of KV is mounted there. What looks like a mount may be a namespace,
   * with another namespace `data` in it: a name must not write to its sys or auth.
   */
  *assertMounted(call: VaultCall, doing: string): VaultTalk<void> {
    const key = JSON.stringify([call.namespace, call.mount]);
    if (this.#sure.has(key)) return;
    const answer = yield requestOf(call);
    const failure = vaultError(answer, subjectOf(doing, call));
    if (isTransient(failure)) throw failure;
    if (kvVersionIn(answer) === undefined) throw isInternal(call, doing);
    keep(this.#sure, key);
  }
}

function requestOf({ mount, namespace }: VaultCall): VaultRequest {
  const path = vaultPath(mount).replace('/v1/', '/v1/sys/internal/ui/mounts/');
  return { method: 'GET', path, namespace, isProbe: true };
}

function keep(keys: Set<string>, key: string): void {
  if (keys.size >= MAX_KNOWN) keys.clear();
  keys.add(key);
}

function isInternal(call: VaultCall, doing: string): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    `${subjectOf(doing, call)} failed: the name has a part "sys" or "auth", and the server does not say that KV is mounted ` +
      'there. Check the mount.',
  );
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
