import { now } from '../../../core/time/clock';
import { nextTurn } from '../../../core/time/event-loop-turns';
import type { SealedTree } from '../seals/sealed-tree';
import { INDICES } from '../seals/slots';

/** The longest work between two turns of the event loop. */
const SLICE_MS = 5;
/** The number of secrets up to which a verification is always due. */
const FEW_SECRETS = 2_000;
/** The pause after a larger verification, as a multiple of its duration. */
const PAUSE_FACTOR = 20;

type Read = <T>(use: (tree: SealedTree) => T) => T;

/** Decrypts all secrets of a store, bucket by bucket. Yields to the event loop between buckets. */
export class Verification {
  readonly #read: Read;
  #running: Promise<void> | undefined;
  #pausedUntil = 0;

  constructor(read: Read) {
    this.#read = read;
  }

  get isDue(): boolean {
    return now() >= this.#pausedUntil;
  }

  /** Rejects if any secret is not as it was written. Joins a verification that is in flight. */
  async run(): Promise<void> {
    this.#running ??= this.verify().finally(() => (this.#running = undefined));
    await this.#running;
  }

  private async verify(): Promise<void> {
    const startedAt = now();
    let yieldedAt = startedAt;
    let secrets = 0;
    for (const node of INDICES) {
      for (const bucket of this.#read((tree) => tree.node(node).used)) {
        secrets += this.#read((tree) => {
          const entries = tree.bucket(node, bucket);
          for (const entry of entries.values()) tree.content(entry);
          return entries.size;
        });
        if (now() - yieldedAt < SLICE_MS) continue;
        await nextTurn();
        yieldedAt = now();
      }
    }
    if (secrets > FEW_SECRETS) this.#pausedUntil = now() + PAUSE_FACTOR * (now() - startedAt);
  }
}
