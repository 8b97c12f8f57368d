import { RejectedValue, isRejection } from '../../core/calls/rejected-value';
import type { GetOptions } from '../../core/contract/get-options';
import type { UseOptions } from '../../core/contract/secret-change';
import { attempt } from '../../core/errors/safe-access';
import { credentialsRejected } from '../../core/errors/credentials-rejected';
import type { OperationContext } from '../../core/errors/secret-manager.error';
import { kindOf } from '../../core/errors/wording';
import { setYoungest } from '../../core/time/bounded-map';
import { invalidArgument, readArguments } from '../../core/validation/call-arguments';
import type { SecretCache } from '../../policies/cache/secret-cache';
import type { Lookup } from '../reading/secret-lookup';
import type { Served } from '../reading/secret-view';

/** The largest number of names with a limit of reads, as that of cached values. */
const MAX_NAMES = 10_000;

/** The functions by which a handle reads what it serves. */
export interface UseSource<Value> {
  /** Identifies a typed handle. Handles to the text of one name share their limit of reads. */
  readonly id?: object;
  read(options?: GetOptions): Promise<Served<Value>>;
  /** Returns what is served for a cached text. Throws for a text that is refused. */
  peek(text: string): Served<Value>;
}

/** Runs work with a secret, and once more with the newer value if the first one was rejected. */
export class SecretUses {
  readonly #cache: SecretCache;
  /** The secrets that were rejected, the oldest first. */
  readonly #rejected = new Map<unknown, RejectedValue<string>>();

  constructor(cache: SecretCache) {
    this.#cache = cache;
  }

  async use<Value, Result>(
    lookup: Lookup,
    source: UseSource<Value>,
    work: (value: Value) => Result | Promise<Result>,
    options: UseOptions = {},
  ): Promise<Result> {
    const { name } = lookup;
    const context = { ...lookup.context, operation: 'use' };
    assertIsFunction('work', work, context);
    const { isRejected = credentialsRejected } = readArguments(options, ['isRejected'], context);
    assertIsFunction('isRejected', isRejected, context);
    const { text, value } = await source.read();
    try {
      return await work(value);
    } catch (error) {
      if (!isRejection(isRejected, error)) throw error;
      const key = source.id ?? name;
      const secret = this.#rejected.get(key) ?? this.add(key, name, source);
      const next = await secret.successorOf(text);
      const served = next === undefined ? undefined : attempt(() => source.peek(next));
      if (served === undefined || served.text === text) throw error;
      return await work(served.value);
    }
  }

  private add(key: unknown, name: string, source: UseSource<unknown>): RejectedValue<string> {
    const served = (): string | undefined => {
      const text = nonEmpty(this.#cache.peek(name));
      return text === undefined ? undefined : attempt(() => source.peek(text).text);
    };
    const read = async (): Promise<string> => (await source.read({ maxAgeMs: 0 })).text;
    const secret = new RejectedValue(served, read);
    setYoungest(this.#rejected, key, secret, MAX_NAMES);
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
  throw invalidArgument(`use() takes a function as ${what}, and not ${kindOf(given)}.`, context);
}
