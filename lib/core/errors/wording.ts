import { attempt } from './safe-access';

/** Characters that move a cursor, end a line, change the direction of text, or have no shape. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** The longest name that is shown in full. */
const MAX_LENGTH = 512;

/** Returns a name for a message: quoted, and with its invisible characters escaped. */
export function quoteName(name: unknown): string {
  if (typeof name !== 'string') return `(${kindOf(name)})`;
  const shown = name.length > MAX_LENGTH ? `${name.slice(0, 64)}…` : name;
  return escapeInvisible(JSON.stringify(shown));
}

/** Returns the kind of a value (`an array`, `a number`), without the value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (attempt(() => Array.isArray(value)) === true) return 'an array'; // throws for a revoked proxy
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Returns the text with its invisible characters as the escapes of JSON, such as `\u202e`. */
export function escapeInvisible(text: string): string {
  return text.replace(INVISIBLE, (character) =>
    // one beyond U+FFFF has two units
    Array.from({ length: character.length }, (_, at) => escapeUnit(character, at)).join(''),
  );
}

function escapeUnit(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
}
