import type { StoreKeys } from '../keys/keyring';
import { Damage } from '../pages/damage';
import { decodeBucket, parseJson, type Bucket, type Entry } from './bucket';
import type { Header, StoredRoot } from './head';
import { bucketPlace, nodePlace, pathOf, recordBinding, type SecretPath } from './places';
import { tagOf, unseal } from './sealing';
import { INDICES, Slots } from './slots';

/** The sealed content of a secret. */
export interface SecretContent {
  readonly value: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

/** Returns the stored bytes of a key, or `undefined` if the key is missing. */
export type Find = (key: Buffer) => Buffer | undefined;

const NOTHING: ReadonlyMap<string, Entry> = new Map();

/**
 * One state of a store, decrypted from its head downwards.
 *
 * The head holds the tags of 64 nodes, a node those of 64 buckets, and a bucket those of its records. Each part is
 * decrypted only if it has the tag that its parent names. A read thus detects a record that was changed, exchanged,
 * removed or reset to an older version. It decrypts four parts, however many secrets there are.
 */
export class SealedTree {
  readonly #find: Find;
  readonly #nodes = new Map<number, Slots>();

  constructor(
    readonly header: Header,
    readonly root: StoredRoot,
    readonly keys: StoreKeys,
    find: Find,
  ) {
    this.#find = find;
  }

  pathOf(name: string): SecretPath {
    return pathOf(name, this.keys.authentication);
  }

  node(node: number): Slots {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const slot = this.root.slots.get(node);
    const { key, binding } = nodePlace(node);
    const slots = slot && new Slots(this.open(key, binding, slot.tag));
    const opened = slots ?? new Slots();
    this.#nodes.set(node, opened);
    return opened;
  }

  bucket(node: number, bucket: number): Bucket {
    const slot = this.node(node).get(bucket);
    if (slot === undefined) return NOTHING;
    const { key, binding } = bucketPlace(node, bucket);
    return decodeBucket(this.open(key, binding, slot.tag));
  }

  entry(name: string): Entry | undefined {
    const { node, bucket } = this.pathOf(name);
    return this.bucket(node, bucket).get(name);
  }

  /** Iterates over the secrets of all buckets. */
  *entries(): Generator<Entry> {
    for (const node of INDICES) {
      for (const bucket of this.node(node).used) yield* this.bucket(node, bucket).values();
    }
  }

  content({ name, version, tag }: Entry): SecretContent {
    const { recordKey } = this.pathOf(name);
    const content = this.open(recordKey, recordBinding(name, version), tag);
    return parseJson(content) as SecretContent; // the seal proves who wrote it
  }

  private open(key: Buffer, binding: string, tag: Buffer): Buffer {
    const sealed = this.#find(key);
    if (sealed === undefined || !tagOf(sealed).equals(tag)) throw new Damage();
    return unseal(this.keys.sealing, binding, sealed);
  }
}
