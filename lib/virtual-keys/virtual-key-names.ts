import type { OperationContext } from '../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../core/errors/wording';
import { invalidArgument, readArguments } from '../core/validation/call-arguments';
import { secretNameProblem } from '../core/validation/secret-name';

/** The identity of a virtual key: an id that never changes, and an alias that people chose. */
export interface VirtualKey {
  readonly id: string;
  /** The alias. An empty one counts as none. */
  readonly alias?: string | null;
}

const BY_ID = 'virtual-key-';
const PREVIOUS = 'previous/';
const SIGNING_KEY = 'service/signing-key';

/**
 * Returns the name under which a virtual key is stored: the prefix and the alias, else the id. Throws
 * `INVALID_ARGUMENT`.
 */
export function storedName(prefix: string, key: VirtualKey, context: OperationContext): string {
  if (typeof key !== 'object' || key === null) {
    throw invalidArgument(`A virtual key is { id, alias? }, and not ${kindOf(key)}.`, context);
  }
  const { id, alias } = readVirtualKey(key, context);
  assertPart('id', id, context);
  if (alias === undefined || alias === null || alias === '') {
    return fullName(prefix, `${BY_ID}${id}`, context);
  }
  assertPart('alias', alias, context);
  if (!alias.startsWith(BY_ID)) return fullName(prefix, alias, context);
  throw invalidArgument(
    `The alias ${quoteName(alias)} begins with "${BY_ID}", as the name of a key without an alias does. Choose another one.`,
    context,
  );
}

/** Returns id, alias and value of a key, each read once. Throws `INVALID_ARGUMENT` if a getter throws. */
export function readVirtualKey(
  key: VirtualKey,
  context: OperationContext,
): Readonly<Partial<Record<'id' | 'alias' | 'value', unknown>>> {
  return readArguments(key, ['id', 'alias', 'value'], context);
}

/** Returns the name of the record of replaced keys. Aliases and ids hold no slash, so no key has this name. */
export function previousName(prefix: string, name: string): string {
  return `${prefix}${PREVIOUS}${name.slice(prefix.length)}`;
}

/** Returns the name of the key that signs virtual keys. */
export function signingKeyName(prefix: string): string {
  return `${prefix}${SIGNING_KEY}`;
}

function assertPart(
  what: 'id' | 'alias',
  given: unknown,
  context: OperationContext,
): asserts given is string {
  const problem =
    secretNameProblem(given) ?? (String(given).includes('/') ? 'has a slash' : undefined);
  if (problem === undefined) return;
  throw invalidArgument(`The ${what} ${quoteName(given)} of a virtual key ${problem}.`, context);
}

/** Returns a whole name. The longer name of its record must be valid, too. */
function fullName(prefix: string, part: string, context: OperationContext): string {
  const name = `${prefix}${part}`;
  const problem = secretNameProblem(previousName(prefix, name));
  if (problem === undefined) return name;
  throw invalidArgument(`The name ${quoteName(name)} of a virtual key ${problem}.`, context);
}
