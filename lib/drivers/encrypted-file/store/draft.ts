import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { dueAtOf, encodeBucket, type Entry } from '../seals/bucket';
import { encodeHead } from '../seals/head';
import { HEAD_KEY, bucketPlace, nodePlace, recordBinding } from '../seals/places';
import type { SealedTree, SecretContent } from '../seals/sealed-tree';
import { seal, tagOf } from '../seals/sealing';
import { Slots, type Slot } from '../seals/slots';

const LARGEST_BYTES = 2 ** 26;

/** A key of the file with its new value. `undefined` removes the key. */
export type Put = readonly [key: Buffer, value: Buffer | undefined];

/** The content of one commit. */
export interface SealedChanges {
  /** The token of the head that the changes are based on. */
  readonly replaces: number;
  /** The text of the header, which identifies the store. */
  readonly header: string;
  /** The number of changes of the store. */
  readonly changes: number;
  readonly head: { readonly key: Buffer; readonly bytes: Buffer; readonly token: number };
  readonly puts: readonly Put[];
}

interface TouchedBucket {
  readonly node: number;
  readonly bucket: number;
  readonly entries: Map<string, Entry>;
}

/** Changes to one state of a store. They touch only the nodes on the path to each secret. */
export class Draft {
  readonly #tree: SealedTree;
  readonly #buckets = new Map<string, TouchedBucket>();
  readonly #contents = new Map<string, SecretContent>();
  readonly #records = new Map<string, Put>();
  #changes: number;

  constructor(tree: SealedTree) {
    this.#tree = tree;
    this.#changes = tree.root.changes;
  }

  get isChanged(): boolean {
    return this.#changes !== this.#tree.root.changes;
  }

  entry(name: string): Entry | undefined {
    return this.bucketOf(name).get(name);
  }

  content(entry: Entry): SecretContent {
    return this.#contents.get(entry.name) ?? this.#tree.content(entry);
  }

  /** Seals a content, and returns the secret's new version. */
  put(name: string, content: SecretContent): number {
    const version = this.#changes + 1;
    this.restore(name, version, content);
    this.#changes = version;
    return version;
  }

  /** Seals a content under an existing version, which counts as no change. */
  restore(name: string, version: number, content: SecretContent, deletionAt?: number): void {
    const plain = Buffer.from(JSON.stringify(content));
    if (plain.length > LARGEST_BYTES) throw tooLarge(name);
    const record = seal(this.#tree.keys.sealing, recordBinding(name, version), plain);
    const tag = tagOf(record);
    const isDeleted = deletionAt !== undefined;
    this.#contents.set(name, content);
    this.#records.set(name, [this.#tree.pathOf(name).recordKey, record]);
    this.bucketOf(name).set(name, { name, version, tag, ...(isDeleted && { deletionAt }) });
  }

  /** Marks a secret as pending deletion until a time in milliseconds. */
  markDeleted(entry: Entry, deletionAt: number): void {
    this.#changes++;
    this.bucketOf(entry.name).set(entry.name, { ...entry, deletionAt });
  }

  remove(name: string): void {
    this.#changes++;
    this.bucketOf(name).delete(name);
    this.#contents.delete(name);
    this.#records.set(name, [this.#tree.pathOf(name).recordKey, undefined]);
  }

  /**
   * Removes the secrets of some buckets whose recovery window has ended. Nodes know the due times, so nothing is
   * searched.
   */
  purge(nowMs: number, bucketsAtMost: number): void {
    let left = bucketsAtMost;
    for (const node of this.#tree.root.slots.dueAt(nowMs)) {
      for (const bucket of this.#tree.node(node).dueAt(nowMs)) {
        if (left-- === 0) return;
        for (const { name, deletionAt = Infinity } of [...this.touch(node, bucket).values()]) {
          if (deletionAt <= nowMs) this.remove(name);
        }
      }
    }
  }

  /** Seals every changed part, from the records upwards. */
  seal(): SealedChanges {
    const { header, root, keys } = this.#tree;
    const nodes = new Map<number, Slots>();
    const puts: Put[] = [...this.#records.values()];
    for (const { node, bucket, entries } of this.#buckets.values()) {
      const slots = nodes.get(node) ?? new Slots(this.#tree.node(node).bytes);
      const plain = entries.size > 0 ? encodeBucket(entries) : undefined;
      slots.set(bucket, this.sealPart(bucketPlace(node, bucket), plain, dueAtOf(entries), puts));
      nodes.set(node, slots);
    }
    const top = new Slots(root.slots.bytes);
    for (const [node, slots] of nodes) {
      const plain = slots.used.length === 0 ? undefined : slots.bytes;
      top.set(node, this.sealPart(nodePlace(node), plain, slots.earliestDueAt, puts));
    }
    const { bytes, token } = encodeHead(header, { changes: this.#changes, slots: top }, keys);
    return {
      replaces: root.token,
      header: header.text,
      changes: this.#changes,
      head: { key: HEAD_KEY, bytes, token },
      puts,
    };
  }

  private sealPart(
    { key, binding }: { readonly key: Buffer; readonly binding: string },
    plain: Buffer | undefined,
    dueAt: number,
    puts: Put[],
  ): Slot | undefined {
    const bytes = plain && seal(this.#tree.keys.sealing, binding, plain);
    puts.push([key, bytes]);
    return bytes && { tag: tagOf(bytes), dueAt };
  }

  private bucketOf(name: string): Map<string, Entry> {
    const { node, bucket } = this.#tree.pathOf(name);
    return this.touch(node, bucket);
  }

  private touch(node: number, bucket: number): Map<string, Entry> {
    const id = `${node} ${bucket}`;
    const touched = this.#buckets.get(id) ?? {
      node,
      bucket,
      entries: new Map(this.#tree.bucket(node, bucket)),
    };
    this.#buckets.set(id, touched);
    return touched.entries;
  }
}

function tooLarge(name: string): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    `The value of ${quoteName(name)} is larger than ${LARGEST_BYTES} bytes. Nothing was written; keep it elsewhere.`,
  );
}
