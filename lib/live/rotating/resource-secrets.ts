import type { SecretsService } from '../../service/secrets.service';
import type { Part, Values } from './sources';

/** Follows the secrets of a resource, and reads their values of one moment. */
export class ResourceSecrets {
  readonly #secrets: SecretsService;
  readonly #parts: ReadonlyMap<string, Part>;
  /** The secrets that have changed since they were read. */
  readonly #changed = new Set<string>();
  readonly #stops: (() => void)[] = [];

  constructor(secrets: SecretsService, parts: ReadonlyMap<string, Part>) {
    this.#secrets = secrets;
    this.#parts = parts;
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** Calls back for each change from now on, until `stop`. */
  listen(onChange: () => void): void {
    for (const { handle } of this.#parts.values()) {
      this.#stops.push(
        handle.onChange(() => {
          this.#changed.add(handle.name);
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
    const others = this.names().filter((name) => !this.#changed.has(name));
    this.#changed.clear();
    await this.readAll(others, maxAgeMs);
    const values = new Map<string, unknown>();
    for (const [id, { handle, isPresent }] of this.#parts) {
      if (isPresent()) values.set(id, await handle.get());
    }
    // a change that the reads above found is a part of these values
    for (const name of this.#changed) {
      if (this.isRead(name, values)) this.#changed.delete(name);
    }
    return values;
  }

  /** Reads all secrets from the store again. Changes are reported as ever. */
  async refresh(): Promise<void> {
    await this.readAll(this.names(), 0);
  }

  private names(): readonly string[] {
    return [...new Set(Array.from(this.#parts.values(), ({ handle }) => handle.name))];
  }

  /** Returns whether all parts of a secret have the values that are served now. */
  private isRead(name: string, values: Values): boolean {
    return [...this.#parts].every(([id, { handle, isPresent }]) => {
      if (handle.name !== name) return true;
      return isPresent() ? handle.reveal() === values.get(id) : !values.has(id);
    });
  }

  private async readAll(names: readonly string[], maxAgeMs?: number): Promise<void> {
    const outcomes = await this.#secrets.getMany(names, maxAgeMs === undefined ? {} : { maxAgeMs });
    for (const outcome of outcomes.values()) if ('error' in outcome) throw outcome.error;
  }
}
