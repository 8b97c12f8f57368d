import { SecretManagerError, isTransient } from '../../../core/errors/secret-manager.error';
import type { VaultCall } from '../options/vault-call';
import { isObject, type VaultAnswer } from '../wire/request-handler';
import { isFromVault, vaultError } from '../wire/vault-errors';
import { vaultPath } from '../wire/vault-path';
import type { VaultRequest } from '../wire/vault-request';
import type { Steps } from '../wire/steps';
import { subjectOf } from './engine';

const MAX_KNOWN = 1_000;

/**
 * Tells a mount of the other KV version from one that lacks or denies a secret. To KV 1 the paths of version 2 are names like
 * others. To KV 2 the paths of version 1 are nothing, and no ordinary policy allows them.
 */
export class KvMounts {
  readonly #known = new Set<string>();
  readonly #confirmed = new Set<string>();

  /**
   * Throws `MISCONFIGURED` if the mount is of the other version than the call's. The server is asked once; if it does not say,
   * the mount is taken for right.
   */
  *check(call: VaultCall, doing: string): Steps<void> {
    const { mount, namespace, kvVersion } = call;
    const key = JSON.stringify([namespace, mount, kvVersion]);
    if (this.#known.has(key)) return;
    const answer = yield requestOf(call);
    const version = kvVersionIn(answer);
    if (version === 1 && kvVersion === 2) throw kv1Mount(call, doing);
    if (version === 2 && kvVersion === 1) throw kv2Mount(call, doing);
    if (![200, 403, 404].includes(answer.statusCode) || !isFromVault(answer)) return; // it may say so another time
    remember(this.#known, key);
  }

  /**
   * Throws unless the server says that a secrets engine of KV is mounted there. What looks like a mount may be a namespace,
   * with another namespace `data` in it: a name must not write to its sys or auth.
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
