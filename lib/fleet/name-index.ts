import type { FleetKey } from './wire/fleet-key';

const SMALLEST_LIMIT = 20_000;

/** The names of this instance by their digests. A message holds digests only. */
export class NameIndex {
  readonly #heldNames: () => ReadonlySet<string>;
  readonly #byKey = new Map<FleetKey, KeyedNames>();
  #names = new Set<string>();
  #limit = SMALLEST_LIMIT;

  /** @param heldNames returns the names that the caches hold */
  constructor(heldNames: () => ReadonlySet<string>) {
    this.#heldNames = heldNames;
  }

  add(secretName: string): void {
    if (this.#names.has(secretName)) return;
    if (this.#names.size >= this.#limit) this.forgetUnused();
    this.#names.add(secretName);
    for (const keyed of this.#byKey.values()) keyed.add(secretName);
  }

  /** Returns the name with a digest, or `undefined` if this instance does not hold it. */
  nameOf(digest: Buffer, key: FleetKey): string | undefined {
    return this.namesUnder(key).nameOf(digest);
  }

  digestOf(secretName: string, key: FleetKey): Buffer {
    return this.namesUnder(key).digestOf(secretName);
  }

  /** Keeps the digests under these keys, and no others. */
  retain(keys: readonly FleetKey[]): void {
    for (const key of keys) this.namesUnder(key);
    for (const key of this.#byKey.keys()) if (!keys.includes(key)) this.#byKey.delete(key);
  }

  private namesUnder(key: FleetKey): KeyedNames {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const names = new KeyedNames(key);
    for (const secretName of this.#names) names.add(secretName);
    this.#byKey.set(key, names);
    return names;
  }

  private forgetUnused(): void {
    const held = this.#heldNames();
    for (const secretName of this.#names) {
      if (held.has(secretName)) continue;
      this.#names.delete(secretName);
      for (const keyed of this.#byKey.values()) keyed.delete(secretName);
    }
    this.#limit = Math.max(SMALLEST_LIMIT, 2 * this.#names.size);
  }
}

/** The digests of names under one key. */
class KeyedNames {
  readonly #key: FleetKey;
  readonly #digests = new Map<string, Buffer>();
  readonly #names = new Map<string, string>();

  constructor(key: FleetKey) {
    this.#key = key;
  }

  add(secretName: string): void {
    const digest = this.#key.digestOfName(secretName);
    this.#digests.set(secretName, digest);
    this.#names.set(digest.toString('latin1'), secretName);
  }

  delete(secretName: string): void {
    const digest = this.#digests.get(secretName);
    this.#digests.delete(secretName);
    if (digest) this.#names.delete(digest.toString('latin1'));
  }

  nameOf(digest: Buffer): string | undefined {
    return this.#names.get(digest.toString('latin1'));
  }

  digestOf(secretName: string): Buffer {
    return this.#digests.get(secretName) ?? this.#key.digestOfName(secretName);
  }
}
