import { attempt } from './safe-access';

/** The longest name that is shown in full. */
const MAX_LENGTH = 512;

/** Returns a name for a message: quoted, and without characters that move a cursor or end a line. */
export function quoteName(name: unknown): string {
  if (typeof name !== 'string') return `(${kindOf(name)})`;
  const shown = name.length > MAX_LENGTH ? `${name.slice(0, 64)}…` : name;
  return JSON.stringify(shown).replace(/[\u007f-\u009f\u2028\u2029]/g, escapeCharacter);
}

/** Returns the kind of a value (`an array`, `a number`), without the value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (attempt(() => Array.isArray(value)) === true) return 'an array'; // throws for a revoked proxy
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
