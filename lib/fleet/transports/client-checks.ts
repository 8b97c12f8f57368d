import { attempt, read } from '../../core/errors/safe-access';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../../core/errors/wording';

/** The name of the subject or channel, if the team gives none. Fleets that share it keep apart by their ids. */
export const DEFAULT_CHANNEL = 'nestjs-custom-secret-manager.fleet';

/** Throws `MISCONFIGURED` about the constructor of a transport. */
export function misconfigured(transport: string, problem: string): never {
  const message = `${transport} ${problem}`;
  throw new SecretManagerError('MISCONFIGURED', message, { operation: 'constructor' });
}

/** Returns whether a value has all of these methods. */
export function hasMethods(candidate: unknown, methods: readonly string[]): boolean {
  return methods.every((method) => typeof read(candidate, method) === 'function');
}

/** Returns what a wrong client is, for a message: a promise usually lacks an `await`. */
export function shown(client: unknown): string {
  if (typeof read(client, 'then') === 'function') return 'a promise; await it first';
  const isObject = typeof client === 'object' && client !== null;
  const isPlain =
    isObject && attempt<unknown>(() => Object.getPrototypeOf(client)) === Object.prototype;
  if (isPlain) return 'a plain object';
  return isObject && kindOf(client) === 'an object' ? 'an object of another class' : kindOf(client);
}

/**
 * Returns the options, or throws `MISCONFIGURED` if they are no object, or have a field that is not `known`.
 *
 * @param transport the class whose options they are
 */
export function assertOptions(transport: string, options: unknown, known: readonly string[]): void {
  if (kindOf(options) !== 'an object') {
    misconfigured(transport, `takes its options as an object, and got ${kindOf(options)}.`);
  }
  const unknown = Object.keys(options as object).find((field) => !known.includes(field));
  if (unknown === undefined) return;
  misconfigured(
    transport,
    `has no option ${quoteName(unknown)}; its options are ${known.join(', ')}.`,
  );
}

/** Throws `MISCONFIGURED` if the name of a channel is no text, is empty, or holds a control character. */
export function assertChannel(transport: string, option: string, channel: unknown): string {
  if (typeof channel !== 'string') {
    misconfigured(transport, `needs a text as \`${option}\`, and got ${kindOf(channel)}.`);
  }
  if (channel === '') misconfigured(transport, `needs a \`${option}\` that is not empty.`);
  if (/\p{Cc}/u.test(channel)) {
    misconfigured(transport, `needs a \`${option}\` without control characters.`);
  }
  return channel;
}
