import type { GetOptions } from '../../core/contract/get-options';
import type { SecretChangeListener, UseOptions } from '../../core/contract/secret-change';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { kindOf } from '../../core/errors/wording';

/** The part of a handle that the feeds use. A `Secret` is one, with a text as its value. */
export interface LiveValue<Value = string> {
  readonly name: string;
  readonly expiresAt: Date | undefined;
  reveal(this: void): Value;
  get(options?: GetOptions): Promise<Value>;
  onChange(listener: SecretChangeListener): () => void;
  use<Result>(
    work: (value: Value) => Result | Promise<Result>,
    options?: UseOptions,
  ): Promise<Result>;
}

const METHODS = ['reveal', 'get', 'onChange', 'use'] as const;

export function isLiveValue(given: unknown): given is LiveValue<unknown> {
  if (typeof given !== 'object' || given === null) return false;
  return METHODS.every((method) => typeof Reflect.get(given, method) === 'function');
}

/** Throws `INVALID_ARGUMENT` unless `given` is a handle. */
export function assertIsLiveValue(feed: string, given: unknown): void {
  if (isLiveValue(given)) return;
  const message = `${feed}() takes the handle of a secret, and not ${kindOf(given)}. Inject it with @InjectSecret(name), or call secrets.secret(name).`;
  throw new SecretManagerError('INVALID_ARGUMENT', message, { operation: feed });
}
