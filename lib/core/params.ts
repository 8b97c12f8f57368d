import { SecretManagerError, type OperationContext } from './secret-manager.error';
import { canonicalSecretName, quoteName } from './secret-name';

type Params = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;

/** Stands between name and params in a key, and in no name. */
export const PARAMS_MARK = '\u0000';

/**
 * The key under which a secret is cached and shared: the name alone, or the name with the params in sorted key order, so
 * that a stage, a version or a tenant's mount never answers for another. A name holds no NUL, so no two keys collide. Nor
 * may the key of a secret whose name looks like a reference, `os.environ/NAME`, be what somebody writes who means `NAME`.
 */
export function secretKey(secretName: string, params: Params | undefined): string {
  const canonical = params === undefined ? '{}' : canonicalJson(params);
  const isPlain = canonical === '{}' && canonicalSecretName(secretName) === secretName;
  return isPlain ? secretName : `${secretName}${PARAMS_MARK}${canonical}`;
}

/** Throws `INVALID_ARGUMENT` unless `params` is a plain JSON object; a property that is `undefined` counts as left out. */
export function assertPlainParams(params: unknown, context: OperationContext): void {
  if (params === undefined || (isPlainObject(params) && isPlainJson(params, 0))) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    '`params` must be a plain JSON object: strings, finite numbers, booleans, null, arrays and objects of these.',
    context,
  );
}

/**
 * Throws `INVALID_ARGUMENT` if there are params, for an operation that knows none: to answer the present version of one
 * tenant to somebody who asks for another would be wrong.
 *
 * @param reason why there are none, as the rest of a sentence
 */
export function assertNoParams(params: Params = {}, reason: string): void {
  const given = Object.entries(params).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `\`params\` has ${quoteName(given[0])}, and must have nothing: ${reason}.`,
  );
}

function isPlainJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (depth > MAX_DEPTH) return false; // a cycle, too
  if (Array.isArray(value)) return value.every((item) => isPlainJson(item, depth + 1));
  if (!isPlainObject(value)) return false;
  return Object.values(value).every((item) => item === undefined || isPlainJson(item, depth + 1));
}

function isPlainObject(value: unknown): value is Params {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // by shape: an object literal of another realm has another Object.prototype
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const properties = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`);
  return `{${properties.join(',')}}`;
}
