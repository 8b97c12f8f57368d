import type { CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { SecretManagerError, isSecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import type {
  CacheObserver,
  CachedReading,
  SecretCache,
  SecretInspection,
} from '../cache/secret-cache';
import { Policy, outcomeOf, type Pipeline, type ReadOutcome, type SecretReadings } from '../policy';
import { INEXACT, parseBundle } from './json-bundle';

export interface BundleOptions {
  readonly primarySecretName: string;
  /** The cache that holds the primary secret. */
  readonly cache: SecretCache;
}

/**
 * Answers every name from the primary secret, a JSON object that holds all secrets. In the cache, and for
 * `refresh`, `invalidate` and `inspect`, every name stands for the primary secret.
 */
export class BundlePolicy extends Policy implements SecretCache {
  readonly #primary: string;
  readonly #cache: SecretCache;
  /** The last parsed text, so that one text is parsed once for all its names. */
  #source: string | undefined;
  #secrets: ReadonlyMap<string, string | typeof INEXACT> = new Map();
  /** The values that were read before. Their names are valid and hosted, so `peek` may return them. */
  readonly #answered = new Map<string, string>();

  constructor(inner: Pipeline, { primarySecretName, cache }: BundleOptions) {
    super(inner);
    this.#primary = primarySecretName;
    this.#cache = cache;
  }

  override async readSecret(
    secretName: string,
    options?: CallOptions,
  ): Promise<SecretReading | undefined> {
    return this.pick(secretName, await this.inner.readSecret(this.#primary, options));
  }

  override readSecretSync(secretName: string, options?: CallOptions): SecretReading | undefined {
    return this.pick(secretName, this.inner.readSecretSync(this.#primary, options));
  }

  override async readSecrets(
    secretNames: readonly string[],
    options?: CallOptions,
  ): Promise<SecretReadings> {
    const primary = await this.inner.readSecret(this.#primary, options);
    return new Map(secretNames.map((name) => [name, this.pickOrError(name, primary)]));
  }

  peek(secretName: string): string | undefined {
    const source = this.#cache.peek(this.#primary);
    if (source === undefined || this.parsed(source) === undefined) return undefined;
    return this.#answered.get(secretName);
  }

  pin(): void {
    this.#cache.pin(this.#primary);
  }

  unpin(): void {
    this.#cache.unpin(this.#primary);
  }

  cached(secretName: string): CachedReading | undefined {
    const primary = this.#cache.cached(this.#primary);
    if (primary?.value === undefined) return primary;
    const { value, version } = primary;
    const own = this.pickOrError(secretName, { value, version });
    return isSecretManagerError(own) ? undefined : { ...primary, value: own?.value };
  }

  observe(observer: CacheObserver): () => void {
    return this.#cache.observe({
      onOutcome: (name, outcomeOf, source) => {
        if (name !== this.#primary) return;
        const outcome = outcomeOf(name);
        const ownOutcome = (own: string): typeof outcome =>
          isSecretManagerError(outcome) ? outcome : this.pickOrError(own, outcome);
        observer.onOutcome(undefined, ownOutcome, source);
      },
    });
  }

  get maxStaleMs(): number {
    return this.#cache.maxStaleMs;
  }

  refresh(): Promise<void> {
    return this.#cache.refresh(this.#primary);
  }

  invalidate(): void {
    this.forget();
    this.#cache.invalidate(this.#primary);
  }

  override close(): void | Promise<void> {
    this.forget();
    return super.close();
  }

  inspect(): readonly SecretInspection[] {
    return this.#cache.inspect();
  }

  private forget(): void {
    this.#source = undefined;
    this.#secrets = new Map();
    this.#answered.clear();
  }

  private pick(secretName: string, primary: SecretReading | undefined): SecretReading | undefined {
    if (primary === undefined) return undefined;
    const secret = this.secretsOf(primary.value, secretName).get(secretName);
    if (secret === undefined) return undefined;
    if (secret === INEXACT) {
      throw this.malformed(
        secretName,
        `${quoteName(secretName)} is a number with more digits than a program can hold. Quote it`,
      );
    }
    this.#answered.set(secretName, secret);
    return { ...primary, value: secret };
  }

  private pickOrError(secretName: string, primary: SecretReading | undefined): ReadOutcome {
    return outcomeOf(() => this.pick(secretName, primary));
  }

  private secretsOf(
    source: string,
    secretName: string,
  ): ReadonlyMap<string, string | typeof INEXACT> {
    const secrets = this.parsed(source);
    if (secrets !== undefined) return secrets;
    throw this.malformed(
      secretName,
      'it is not a JSON object. Store one that holds the secrets by name',
    );
  }

  /** Returns the secrets of a text, or `undefined` if it is no bundle. The names that were read take their new values. */
  private parsed(source: string): ReadonlyMap<string, string | typeof INEXACT> | undefined {
    if (source === this.#source) return this.#secrets;
    const secrets = parseBundle(source);
    if (secrets === undefined) return undefined;
    this.#source = source;
    this.#secrets = secrets;
    for (const name of [...this.#answered.keys()]) {
      const secret = secrets.get(name);
      if (typeof secret === 'string') this.#answered.set(name, secret);
      else this.#answered.delete(name);
    }
    return secrets;
  }

  private malformed(secretName: string, problem: string): SecretManagerError {
    return new SecretManagerError(
      'MALFORMED',
      `The primary secret ${quoteName(this.#primary)} cannot be used: ${problem}.`,
      { manager: this.secretManagerName, operation: 'readSecret', secretName },
    );
  }
}
