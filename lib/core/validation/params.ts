import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { quoteName } from '../errors/wording';
import { canonicalSecretName } from './secret-name';

type Params = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;
const MAX_BYTES = 4_096;

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

/**
 * Returns a copy of `params`, for which each property was read once. Throws `INVALID_ARGUMENT` unless they are a plain JSON
 * object of at most 4 KiB. A property that is `undefined` counts as left out.
 */
export function copyParams(params: unknown, context: OperationContext): Params {
  try {
    const copy = new PlainCopy().ofObject(params);
    if (Buffer.byteLength(canonicalJson(copy)) > MAX_BYTES) throw new TooLong();
    return copy;
  } catch (thrown) {
    throw thrown instanceof TooLong ? tooLong(context) : notPlain(context); // a getter may have thrown anything
  }
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

class TooLong extends Error {}
class NotPlain extends Error {}

/** Copies plain JSON. It stops as soon as the text would be too long, so that no large text is built to be refused. */
class PlainCopy {
  /** What the canonical JSON has left at most: a character takes one byte or more. */
  #bytes = MAX_BYTES;

  ofObject(value: unknown, depth = 0): Params {
    if (!isPlainObject(value)) throw new NotPlain();
    const entries = Object.keys(value).map((name) => {
      const item = value[name];
      if (item === undefined) return [name, undefined];
      this.take(name.length + '"":'.length);
      return [name, this.of(item, depth + 1)];
    });
    return Object.fromEntries(entries) as Params; // defines `__proto__` as any other name
  }

  private of(value: unknown, depth: number): unknown {
    this.take(typeof value === 'string' ? value.length + '""'.length : 1);
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (depth > MAX_DEPTH) throw new NotPlain(); // a cycle, too
    return Array.isArray(value) ? this.ofList(value, depth) : this.ofObject(value, depth);
  }

  private ofList(list: readonly unknown[], depth: number): unknown[] {
    const copies: unknown[] = [];
    for (const item of list) copies.push(this.of(item, depth + 1)); // a hole is undefined, and refused
    return copies;
  }

  private take(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#bytes < 0) throw new TooLong();
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
