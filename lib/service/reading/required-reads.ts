import type { GetOptions } from '../../core/contract/get-options';
import { readCallOptions } from '../../core/validation/call-arguments';
import type { SecretCache } from '../../policies/cache/secret-cache';
import { isCacheable } from './cacheable-options';
import type { SecretLookup } from './secret-lookup';

/** Reads secrets that must be there. An empty value is refused, unless it is allowed. */
export class RequiredReads {
  readonly #cache: SecretCache;
  readonly #lookup: SecretLookup;

  constructor(cache: SecretCache, lookup: SecretLookup) {
    this.#cache = cache;
    this.#lookup = lookup;
  }

  /** @param allowEmpty accepts an empty value, unless the options say otherwise */
  async get(name: string, options?: GetOptions, allowEmpty = false): Promise<string> {
    const hit = isCacheable(options) ? this.#cache.peek(name) : undefined;
    if (hit !== undefined && hit !== '') return hit;
    return await this.find(name, options, allowEmpty);
  }

  getSync(name: string, allowEmpty: boolean): string {
    const hit = this.#cache.peek(name);
    if (hit !== undefined && hit !== '') return hit;
    const lookup = this.#lookup.parse('reveal', name, { allowEmpty });
    return this.#lookup.required(this.#lookup.findSync(lookup), lookup);
  }

  private async find(
    name: string,
    options: GetOptions | undefined,
    byDefault: boolean,
  ): Promise<string> {
    const lookup = this.#lookup.lookupOf<string>('getOrThrow', name, (context) => {
      const given = options === undefined ? {} : readCallOptions(options, context, NO_DEFAULT);
      return { allowEmpty: byDefault, ...given, default: undefined };
    });
    return this.#lookup.required(await this.#lookup.find(lookup), lookup);
  }
}

/** Ignores the default of a required secret. */
const NO_DEFAULT = { default: () => undefined };
