import type { GetOptions } from '../core/contract/get-options';
import { LiveSecret, type Secret, type ServedSecret } from '../core/contract/secret';
import { hasCode, type SecretManagerError } from '../core/errors/secret-manager.error';
import type { CachedReading, SecretCache } from '../policies/cache/secret-cache';
import type { SecretPipeline } from '../policies/compose';
import { SecretChanges } from './changes/secret-changes';
import { SecretUses } from './changes/secret-uses';
import { RequiredReads } from './reading/required-reads';
import type { Lookup, SecretLookup } from './reading/secret-lookup';
import type { SecretView } from './reading/secret-view';

/** Makes the live handles of a registration. */
export class SecretHandles {
  readonly #cache: SecretCache;
  readonly #reads: RequiredReads;
  readonly #changes: SecretChanges;
  readonly #uses: SecretUses;

  constructor(pipeline: SecretPipeline, lookup: SecretLookup, warn: (message: string) => void) {
    this.#cache = pipeline.cache;
    this.#reads = new RequiredReads(pipeline.cache, lookup);
    this.#changes = new SecretChanges(pipeline, lookup, warn);
    this.#uses = new SecretUses(pipeline.cache);
  }

  /**
   * Returns a handle to the text of a secret.
   *
   * @param name the name as given, which every read parses again
   */
  plain(name: string, lookup: Lookup): Secret {
    const { allowEmpty } = lookup;
    const get = (options?: GetOptions): Promise<string> =>
      this.#reads.get(name, options, allowEmpty);
    const read = async (options?: GetOptions) => toServed(await get(options));
    const source = { read, peek: toServed };
    return new LiveSecret(lookup.name, {
      reveal: () => this.#reads.getSync(name, allowEmpty),
      get,
      served: () => this.cached(lookup),
      onChange: (listener) => this.#changes.subscribe(lookup, listener),
      use: (work, options) => this.#uses.use(lookup, source, work, options),
    });
  }

  /** Returns a handle to what a view makes of the text. The look-up must allow an empty text. */
  typed<Value>(name: string, lookup: Lookup, view: SecretView<Value>): Secret<Value> {
    const read = async (options?: GetOptions) =>
      view.serve(await this.#reads.get(name, options, true).catch(malformed), options);
    const source = { id: view, read, peek: (text: string) => view.serve(text) };
    return new LiveSecret<Value>(lookup.name, {
      reveal: () => view.serve(this.textOrError(name)).value,
      get: async (options) => (await read(options)).value,
      served: () => this.servedBy(lookup, view),
      onChange: (listener) => this.#changes.subscribe(lookup, listener, view),
      use: (work, options) => this.#uses.use(lookup, source, work, options),
    });
  }

  private textOrError(name: string): string | SecretManagerError {
    try {
      return this.#reads.getSync(name, true);
    } catch (error) {
      return malformed(error);
    }
  }

  /** Returns the cached reading that `reveal` would return without asking the store. */
  private cached({ name, isHosted }: Lookup): (CachedReading & { value: string }) | undefined {
    const cached = isHosted ? this.#cache.cached(name) : undefined;
    const { value } = cached ?? {};
    return cached?.isServed && value !== undefined ? { ...cached, value } : undefined;
  }

  private servedBy(lookup: Lookup, view: SecretView<unknown>): ServedSecret | undefined {
    const cached = this.cached(lookup);
    if (cached === undefined) return undefined;
    try {
      const { text, facts } = view.serve(cached.value);
      return text === cached.value ? cached : facts;
    } catch {
      return undefined; // nothing is served
    }
  }
}

function toServed(text: string): { readonly text: string; readonly value: string } {
  return { text, value: text };
}

/** Returns the error of a malformed reading, for which a view may have a value. Throws every other error. */
function malformed(error: unknown): SecretManagerError {
  if (hasCode(error, 'MALFORMED')) return error as SecretManagerError;
  throw error;
}
