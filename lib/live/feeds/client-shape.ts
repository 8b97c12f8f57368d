import { SecretManagerError } from '../../core/errors/secret-manager.error';

/** Throws `INVALID_ARGUMENT` for a wrong argument of a feed. The message says what the feed takes. */
export function assertTakes(feed: string, takes: string, isRight: boolean): void {
  if (isRight) return;
  throw new SecretManagerError('INVALID_ARGUMENT', `${feed}() takes ${takes}.`, {
    operation: feed,
  });
}

/** Returns whether the value is a class whose instances have the method. */
export function isClassWith(method: string, given: unknown): boolean {
  return typeof given === 'function' && hasMethod(method, given.prototype);
}

/** Returns whether the value is an object with the method. */
export function hasMethod(method: string, given: unknown): boolean {
  return isObject(given) && typeof Reflect.get(given, method) === 'function';
}

export function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null;
}
