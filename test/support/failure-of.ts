import { isSecretManagerError, type SecretManagerError } from 'nestjs-custom-secret-manager';
import { inspect } from 'node:util';

/**
 * Resolves to the error of a call. Fails the test if the call succeeds, or rejects with anything but a
 * `SecretManagerError`.
 */
export async function failureOf(call: unknown): Promise<SecretManagerError> {
  try {
    await (typeof call === 'function' ? (call as () => unknown)() : call);
  } catch (error) {
    if (isSecretManagerError(error)) return error;
    throw new Error('what was thrown is no SecretManagerError', { cause: error });
  }
  throw new Error('nothing was thrown');
}

/** Returns everything that is visible of a value from outside, in one text. */
export function everythingOf(value: unknown): string {
  const parts = [
    inspect(value, { depth: 9, showHidden: true, getters: true, maxStringLength: null }),
    inspect(value, { depth: 9, customInspect: false }),
    JSON.stringify(value),
    String(value),
  ];
  if (typeof value === 'object' && value !== null && 'stack' in value)
    parts.push(String(value.stack));
  return parts.join('\n');
}

/** Tells whether a text has any eight consecutive characters of a canary. */
export function leaks(text: string, canary: string): boolean {
  for (let start = 0; start + 8 <= canary.length; start++) {
    if (text.includes(canary.slice(start, start + 8))) return true;
  }
  return false;
}
