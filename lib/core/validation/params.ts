import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';
import { isRecord } from './option-rules';
import { canonicalSecretName } from './secret-name';

type Params = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;
const MAX_BYTES = 4_096;

/** The separator of name and params in a key. No name contains it. */
export const PARAMS_MARK = '\u0000';

/**
 * Returns the key under which a secret is cached and shared. The key is the name, or the name with the params
 * in sorted order. A stage, a version or a tenant's mount therefore never answers for another.
 *
 * A name holds no NUL, so no two keys collide. A name that looks like a reference, `os.environ/NAME`, gets a
 * key that differs from every plain name.
 */
export function secretKey(secretName: string, params: Params | undefined): string {
  const canonical = params === undefined ? '{}' : canonicalJson(params);
  const isPlain = canonical === '{}' && canonicalSecretName(secretName) === secretName;
  return isPlain ? secretName : `${secretName}${PARAMS_MARK}${canonical}`;
}

/**
 * Returns a copy of `params`, each property read once. Throws `INVALID_ARGUMENT` unless they are a plain JSON
 * object of at most 4 KiB. A property that is `undefined` counts as missing.
 */
export function copyParams(params: unknown, context: OperationContext): Params {
  try {
    const copy = new PlainCopy().copyObject(params);
    if (Buffer.byteLength(canonicalJson(copy)) > MAX_BYTES) throw new TooLong();
    return copy;
  } catch (thrown) {
    throw thrown instanceof TooLong ? tooLong(context) : notPlain(context); // a getter may throw anything
  }
}

/** Returns the params of a call, or none. Throws `INVALID_ARGUMENT` for what is no object. */
export function givenParams(params: unknown = {}, context?: OperationContext): Params {
  if (isRecord(params)) return params;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `\`params\` must be an object, and is ${kindOf(params)}.`,
    context,
  );
}

/**
 * Throws `INVALID_ARGUMENT` if there are params, for an operation that supports none. Ignoring them would
 * return another tenant's or version's secret.
 *
 * @param reason the reason, as the rest of a sentence
 */
export function assertNoParams(
  params: Readonly<Record<string, unknown>> | undefined,
  reason: string,
): void {
  const given = Object.entries(givenParams(params)).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `\`params\` has ${quoteName(given[0])}, and must have nothing: ${reason}.`,
  );
}

class TooLong extends Error {}
class NotPlain extends Error {}

/** Copies plain JSON. The copy stops as soon as the text would be too long, so that no large text is built. */
class PlainCopy {
  /** The largest number of bytes left for the canonical JSON. A character takes one byte or more. */
  #bytesLeft = MAX_BYTES;

  copyObject(value: unknown, depth = 0): Params {
    if (!isPlainObject(value)) throw new NotPlain();
    const entries = Object.keys(value).map((name) => {
      const item = value[name];
      if (item === undefined) return [name, undefined];
      this.reserve(name.length + '"":'.length);
      return [name, this.copy(item, depth + 1)];
    });
    return Object.fromEntries(entries) as Params; // defines `__proto__` like any other name
  }

  private copy(value: unknown, depth: number): unknown {
    this.reserve(typeof value === 'string' ? value.length + '""'.length : 1);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (depth > MAX_DEPTH) throw new NotPlain(); // or a cycle
    return Array.isArray(value) ? this.copyList(value, depth) : this.copyObject(value, depth);
  }

  private copyList(list: readonly unknown[], depth: number): unknown[] {
    const copies: unknown[] = [];
    for (const item of list) copies.push(this.copy(item, depth + 1)); // a hole is undefined, and rejected
    return copies;
  }

  private reserve(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw new TooLong();
  }
}

function notPlain(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    '`params` must be a plain JSON object: strings, finite numbers, booleans, null, arrays and objects of these.',
    context,
  );
}

function tooLong(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    `\`params\` must have at most ${MAX_BYTES} bytes as JSON, because they are a part of every cache key. Pass less.`,
    context,
  );
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
