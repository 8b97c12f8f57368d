import type { SecretReading } from '../core/contract/custom-secret-manager';
import { isSecretManagerError } from '../core/errors/secret-manager.error';
import type { CacheObserver, CachedReading } from '../policies/cache/secret-cache';
import type { SecretPipeline } from '../policies/compose';
import type { ReadOutcome } from '../policies/policy';
import type { AcceptedValue } from './accepted-value';

/** One secret, and the fields of all classes that hold it. */
interface FollowedSecret {
  readonly fields: AcceptedValue[];
  /** The last text that a field refused. */
  refused: string | undefined;
  /** The number of versions that a field has refused, once one was accepted. */
  rejected: number;
}

export interface FollowedSecretsOptions {
  /** The secret that holds all others, if there is one. */
  readonly primarySecretName?: string;
  readonly warn: (message: string) => void;
}

/** The secrets that fields hold. Each new version reaches all fields of its secret, and refused versions are counted. */
export class FollowedSecrets implements CacheObserver {
  readonly #pipeline: SecretPipeline;
  readonly #options: FollowedSecretsOptions;
  readonly #followed = new Map<string, FollowedSecret>();

  constructor(pipeline: SecretPipeline, options: FollowedSecretsOptions) {
    this.#pipeline = pipeline;
    this.#options = options;
    pipeline.whenForgotten((secretName) => this.forget(secretName));
  }

  /** Tells a field the cached reading of its secret, and every later one. */
  follow(secretName: string, field: AcceptedValue): void {
    const { cache } = this.#pipeline;
    if (this.#followed.size === 0) cache.observe(this);
    const followed = this.#followed.get(secretName) ?? {
      fields: [],
      refused: undefined,
      rejected: 0,
    };
    this.#followed.set(secretName, followed);
    followed.fields.push(field);
    const cached = cache.cached(secretName);
    if (cached?.isServed) field.follow(toReading(cached), cached);
  }

  /** Returns the number of versions that the fields of a secret, or of all, have refused. */
  rejected(secretName?: string): number {
    const isOfAll = secretName === undefined || secretName === this.#options.primarySecretName;
    if (!isOfAll) return this.#followed.get(secretName)?.rejected ?? 0;
    return [...this.#followed.values()].reduce((sum, { rejected }) => sum + rejected, 0);
  }

  onOutcome(secretName: string | undefined, outcomeOf: (secretName: string) => ReadOutcome): void {
    const names = secretName === undefined ? [...this.#followed.keys()] : [secretName];
    for (const name of names) {
      const followed = this.#followed.get(name);
      if (followed !== undefined) this.apply(name, followed, outcomeOf(name));
    }
  }

  private forget(secretName: string | undefined): void {
    for (const [name, { fields }] of this.#followed) {
      if (secretName !== undefined && secretName !== name) continue;
      for (const field of fields) field.forget();
    }
  }

  private apply(name: string, followed: FollowedSecret, outcome: ReadOutcome): void {
    const cached = this.#pipeline.cache.cached(name);
    for (const field of followed.fields) field.follow(outcome, cached);
    if (outcome === undefined || isSecretManagerError(outcome)) return;
    const { value: text } = outcome;
    const problems = followed.fields.flatMap((field) =>
      field.hasAccepted ? (field.refusalOf(text) ?? []) : [],
    );
    if (problems.length === 0) followed.refused = undefined;
    if (problems.length === 0 || text === followed.refused) return;
    followed.refused = text;
    followed.rejected += 1;
    const { secretManagerName } = this.#pipeline.outermost;
    this.#options.warn(
      `${secretManagerName}: a new version is refused, and the last accepted one serves on. ${problems.join(' ')}`,
    );
  }
}

function toReading({ value, version, expiresAt, ageMs }: CachedReading): SecretReading | undefined {
  if (value === undefined) return undefined;
  const validForMs = expiresAt && ageMs + expiresAt.getTime() - Date.now();
  return { value, version, validForMs };
}
