import { read } from '../core/errors/safe-access';

/** Returns whether a value is a promise, or has a `then` as one. */
export function isThenable(value: unknown): boolean {
  return typeof read(value, 'then') === 'function';
}

/** Keeps the rejection of a promise that nobody awaits from ending the process. */
export function ignoreRejection(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).catch(() => undefined);
}
