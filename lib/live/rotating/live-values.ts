import type { Secret } from '../../core/contract/secret';
import type { SecretsService } from '../../service/secrets.service';

/** The values of some secrets at one moment, by the key under which `build` gets them. */
export type Values = ReadonlyMap<string, string>;

/** Follows the secrets of a resource, and reads their values of one moment. */
export class LiveValues {
  readonly #secrets: SecretsService;
  /** The handles by key. */
  readonly #handles: ReadonlyMap<string, Secret>;
  /** The secrets that have changed since they were read. */
  readonly #changed = new Set<string>();
  readonly #stops: (() => void)[] = [];

  /** @param names the names of the secrets, by key */
  constructor(secrets: SecretsService, names: Readonly<Record<string, string>>) {
    this.#secrets = secrets;
    this.#handles = new Map(
      Object.entries(names).map(([key, name]) => [key, secrets.secret(name)]),
    );
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** Calls back for each change from now on, until `stop`. */
  listen(onChange: () => void): void {
    for (const { name, handle } of this.named()) {
      this.#stops.push(
        handle.onChange(() => {
          this.#changed.add(name);
          onChange();
        }),
      );
    }
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#changed.clear();
  }

  /**
   * Resolves to the values of this moment. A secret that has changed is in the cache, so only the others are read
   * from the store, with one call. Rejects with the first failure.
   *
   * @param maxAgeMs the largest age of the others; without it, as old as the cache permits
   */
  async read({ maxAgeMs }: { readonly maxAgeMs?: number } = {}): Promise<Values> {
    const names = [...new Set(this.named().map(({ name }) => name))];
    const others = names.filter((name) => !this.#changed.has(name));
    this.#changed.clear();
    await this.readAll(others, maxAgeMs);
    const values = new Map<string, string>();
    for (const [key, handle] of this.#handles) values.set(key, await handle.get());
    // a change that the reads above found is a part of these values
    for (const { key, name, handle } of this.named()) {
      if (this.#changed.has(name) && handle.reveal() === values.get(key))
        this.#changed.delete(name);
    }
    return values;
  }

  /** Reads all secrets from the store again. Changes are reported as ever. */
  async refresh(): Promise<void> {
    await this.readAll([...new Set(this.named().map(({ name }) => name))], 0);
  }

  private named(): { readonly key: string; readonly name: string; readonly handle: Secret }[] {
    return Array.from(this.#handles, ([key, handle]) => ({ key, name: handle.name, handle }));
  }

  private async readAll(names: readonly string[], maxAgeMs?: number): Promise<void> {
    const outcomes = await this.#secrets.getMany(names, maxAgeMs === undefined ? {} : { maxAgeMs });
    for (const outcome of outcomes.values()) if ('error' in outcome) throw outcome.error;
  }
}
