import { now } from '../../../core/time/clock';
import type { SealedTree } from '../seals/sealed-tree';
import { INDICES } from '../seals/slots';

/** Node's own function, taken at import, because a test's fake clock must not hold up a verification. */
const nextTurn = setImmediate;
/** For how long the event loop may stand still. */
const SLICE_MS = 5;
/** The verification of a store with no more secrets is always due. */
const FEW_SECRETS = 2_000;
/** How long that of a larger one rests, in times of what it took. */
const REST = 20;

type Look = <T>(see: (tree: SealedTree) => T) => T;

/** Opens all secrets of a store, bucket by bucket, with turns of the event loop between them. */
export class Verification {
  readonly #look: Look;
  #running: Promise<void> | undefined;
  #restsUntil = 0;

  constructor(look: Look) {
    this.#look = look;
  }

  get isDue(): boolean {
    return now() >= this.#restsUntil;
  }

  /** Rejects if anything is not as it was written. Joins a verification that is under way. */
  async run(): Promise<void> {
    this.#running ??= this.verify().finally(() => (this.#running = undefined));
    await this.#running;
  }

  private async verify(): Promise<void> {
    const startedAt = now();
    let pausedAt = startedAt;
    let secrets = 0;
    for (const node of INDICES) {
      for (const bucket of this.#look((tree) => tree.node(node).used)) {
        secrets += this.#look((tree) => {
          const entries = tree.bucket(node, bucket);
          for (const entry of entries.values()) tree.content(entry);
          return entries.size;
        });
        if (now() - pausedAt < SLICE_MS) continue;
        await new Promise<void>((resolve) => void nextTurn(resolve));
        pausedAt = now();
      }
    }
    if (secrets > FEW_SECRETS) this.#restsUntil = now() + REST * (now() - startedAt);
  }
}
