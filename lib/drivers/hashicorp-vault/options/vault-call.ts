import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { OperationContext } from '../../../core/errors/secret-manager.error';
import { kindOf } from '../../../core/errors/wording';
import { assertKnownParams } from '../../../core/validation/known-params';
import { assertSecretName, secretNameProblem } from '../../../core/validation/secret-name';
import { isPrintable } from '../../http/options/option-rules';
import { trimSlashes } from './option-problems';
import type { KvVersion, VaultSecretManagerOptions } from './vault.options';

/** The params of one call. They override the options of the manager. */
export interface VaultParams {
  readonly mount?: string;
  readonly namespace?: string;
  /** The version of a KV 2 secret. Default: the latest. */
  readonly version?: number | string;
  readonly field?: string;
  /** The KV version of the mount: one manager may read KV and dynamic secrets. */
  readonly kvVersion?: KvVersion;
}

/** The secret that a call addresses. */
export interface VaultCall {
  readonly mount: string;
  /** The path below the mount: prefix and name. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly version: string | undefined;
  readonly field: string | undefined;
  readonly kvVersion: KvVersion;
  readonly options: OperationOptions;
}

const DEFAULT_MOUNT = 'secret';
const NONE: VaultParams = {};

/** Returns the secret that the call addresses. Throws `INVALID_ARGUMENT` for a wrong name or param. */
export function vaultCall(
  secretName: string,
  options: OperationOptions,
  own: VaultSecretManagerOptions,
  context: OperationContext,
): VaultCall {
  if (typeof secretName !== 'string') assertSecretName(secretName, context); // the path checks the rest
  const params = options.params === undefined ? NONE : parseParams(options.params, context);
  const { version, field = own.field, namespace = own.namespace } = params;
  const { kvVersion = own.kvVersion ?? 2 } = params;
  const below = own.pathPrefix ? `${trimSlashes(own.pathPrefix)}/${secretName}` : secretName;
  const given = params.mount ?? own.mount ?? (kvVersion === 'none' ? undefined : DEFAULT_MOUNT);
  const [mount, name] = given === undefined ? splitMount(below) : [trimSlashes(given), below];
  return {
    mount,
    name,
    namespace,
    version: version === undefined ? undefined : String(version),
    field,
    kvVersion,
    options,
  };
}

/** Splits a path at its first part, which is the mount. */
function splitMount(path: string): [mount: string, name: string] {
  const [mount = '', ...rest] = path.split('/');
  return [mount, rest.join('/')];
}

const PROBLEMS: Readonly<Record<keyof VaultParams, (value: unknown) => string | undefined>> = {
  mount: (value) => secretNameProblem(typeof value === 'string' ? trimSlashes(value) : value),
  namespace: (value) =>
    secretNameProblem(typeof value === 'string' ? trimSlashes(value) : value) ??
    (isPrintable(value) ? undefined : 'has a character that no header can hold'),
  version: (value) =>
    /^[1-9]\d{0,8}$/.test(String(value)) ? undefined : 'must be a version: 1, 2, 3, ...',
  field: (value) =>
    typeof value === 'string' && value !== ''
      ? undefined
      : `must be the name of a field, and is ${kindOf(value)}`,
  kvVersion: (value) =>
    [1, 2, 'none'].includes(value as KvVersion) ? undefined : 'must be 1, 2 or "none"',
};

function parseParams(
  params: Readonly<Record<string, unknown>>,
  context: OperationContext,
): VaultParams {
  assertKnownParams(params, PROBLEMS, context);
  return params;
}
