import type { GetOptions } from '../../core/contract/get-options';
import type { UseOptions } from '../../core/contract/secret-change';
import { RejectedValue, isRejection } from '../../core/calls/rejected-value';
import { credentialsRejected } from '../../core/errors/credentials-rejected';
import { SecretManagerError, type OperationContext } from '../../core/errors/secret-manager.error';
import { kindOf } from '../../core/errors/wording';
import { readArguments } from '../../core/validation/call-arguments';
import type { SecretCache } from '../../policies/cache/secret-cache';
import type { Lookup } from '../secret-lookup';

/** The largest number of names with a limit of reads, as that of cached values. */
const MAX_NAMES = 10_000;

/** Runs work with a secret, and once more with the newer value if the first one was rejected. */
export class SecretUses {
  readonly #cache: SecretCache;
  /** The secrets that were rejected, by name, the oldest first. */
  readonly #rejected = new Map<string, RejectedValue<string>>();

  constructor(cache: SecretCache) {
    this.#cache = cache;
  }

  /** @param get reads the value that the handle serves */
  async use<Result>(
    lookup: Lookup,
    get: (options?: GetOptions) => Promise<string>,
    work: (value: string) => Result | Promise<Result>,
    options: UseOptions = {},
  ): Promise<Result> {
    const { name } = lookup;
    const context = { ...lookup.context, operation: 'use' };
    assertIsFunction('work', work, context);
    const { isRejected = credentialsRejected } = readArguments(options, ['isRejected'], context);
    assertIsFunction('isRejected', isRejected, context);
    const value = await get();
    try {
      return await work(value);
    } catch (error) {
      if (!isRejection(isRejected, error)) throw error;
      const secret = this.#rejected.get(name) ?? this.add(name, get);
      const next = await secret.successorOf(value);
      if (next === undefined) throw error;
      return await work(next);
    }
  }

  private add(name: string, get: (options?: GetOptions) => Promise<string>): RejectedValue<string> {
    const secret = new RejectedValue(
      () => nonEmpty(this.#cache.peek(name)),
      () => get({ maxAgeMs: 0 }),
    );
    const [oldest] = this.#rejected.keys();
    if (oldest !== undefined && this.#rejected.size >= MAX_NAMES) this.#rejected.delete(oldest);
    this.#rejected.set(name, secret);
    return secret;
  }
}

/** The handle would refuse an empty value. */
function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function assertIsFunction(
  what: string,
  given: unknown,
  context: OperationContext,
): asserts given is (argument: unknown) => boolean {
  if (typeof given === 'function') return;
  const message = `use() takes a function as ${what}, and not ${kindOf(given)}.`;
  throw new SecretManagerError('INVALID_ARGUMENT', message, context);
}
