import { Damage } from '../pages/damage';
import { CHILDREN } from './places';
import { TAG_BYTES } from './sealing';

const SLOT_BYTES = TAG_BYTES + 8;
export const SLOTS_BYTES = CHILDREN * SLOT_BYTES;
const NO_TAG = Buffer.alloc(TAG_BYTES);
export const INDICES: readonly number[] = Array.from({ length: CHILDREN }, (_, index) => index);

/** The entry of a node in the node above it. */
export interface Slot {
  readonly tag: Buffer;
  /** The earliest removal time below the child, in milliseconds. `Infinity`: never. */
  readonly dueAt: number;
}

/** The 64 slots of a node, with the tags of its children. Only a child with its tag is accepted. */
export class Slots {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer = emptySlots()) {
    if (bytes.length !== SLOTS_BYTES) throw new Damage();
    this.#bytes = Buffer.from(bytes);
  }

  get(index: number): Slot | undefined {
    const start = index * SLOT_BYTES;
    const tag = this.#bytes.subarray(start, start + TAG_BYTES);
    if (tag.equals(NO_TAG)) return undefined;
    return { tag, dueAt: this.dueAtOf(index) };
  }

  set(index: number, { tag, dueAt }: Slot = { tag: NO_TAG, dueAt: Infinity }): void {
    const start = index * SLOT_BYTES;
    tag.copy(this.#bytes, start);
    this.#bytes.writeDoubleBE(dueAt, start + TAG_BYTES);
  }

  /** Returns the slots with a removal that is due at `nowMs`. */
  dueAt(nowMs: number): readonly number[] {
    return INDICES.filter((index) => this.dueAtOf(index) <= nowMs);
  }

  /** The earliest removal time below the node. */
  get earliestDueAt(): number {
    return Math.min(...INDICES.map((index) => this.dueAtOf(index)));
  }

  /** The indices of the slots in use. */
  get used(): readonly number[] {
    return INDICES.filter((index) => this.get(index) !== undefined);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  private dueAtOf(index: number): number {
    return this.#bytes.readDoubleBE(index * SLOT_BYTES + TAG_BYTES);
  }
}

function emptySlots(): Buffer {
  const bytes = Buffer.alloc(SLOTS_BYTES);
  for (const index of INDICES) bytes.writeDoubleBE(Infinity, index * SLOT_BYTES + TAG_BYTES);
  return bytes;
}
