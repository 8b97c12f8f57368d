import { AgeClock } from '../core/clock';
import type { SecretReading } from '../core/custom-secret-manager';

/** For how long after a write a replica may still answer with what was replaced, in milliseconds. */
export const REPLICA_LAG_MS = 10_000;

/** What is known of a secret at some moment; without a value it is absent. */
export interface SecretState {
  readonly value: string | undefined;
  readonly version?: string | undefined;
}

interface RecentWrite {
  readonly at: number;
  /** What the store holds since then; `undefined` if overlapping writes leave that open. */
  readonly written: SecretState | undefined;
  readonly replaced: readonly SecretState[];
  /** Whether it replaced something that was never read. */
  readonly replacedUnknown: boolean;
}

const KEPT_STATES = 8;

/**
 * Remembers what the writes of the last ten seconds have replaced, so that the answer of a replica that lags is not taken for
 * news. A version that is a whole number tells which of two states is older; other states count as replaced if they have been
 * seen before the write.
 */
export class RecentWrites {
  readonly #clock = new AgeClock();
  /** By the key of the secret, the last write at the end. */
  readonly #writes = new Map<string, RecentWrite>();

  /** @param before what was known of the secret; `undefined` if it had not been read */
  add(key: string, written: SecretState | undefined, before: SecretState | undefined): void {
    const at = this.#clock.now();
    this.forgetOld(at);
    const earlier = this.#writes.get(key);
    const replaced = [...(earlier?.replaced ?? []), earlier?.written, before].filter(isKnown);
    this.#writes.delete(key);
    this.#writes.set(key, {
      at,
      written,
      replaced: replaced.slice(-KEPT_STATES),
      replacedUnknown: earlier?.replacedUnknown ?? before === undefined,
    });
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0;
  }

  has(key: string): boolean {
    if (this.isEmpty) return false;
    this.forgetOld(this.#clock.now());
    return this.#writes.has(key);
  }

  /** Whether the store answered with what a recent write has replaced. */
  hasReplaced(key: string, reading: SecretReading | undefined): boolean {
    const write = this.has(key) ? this.#writes.get(key) : undefined;
    if (write === undefined) return false;
    const { written, replaced, replacedUnknown } = write;
    const answer: SecretState = reading ?? ABSENT;
    if (written !== undefined) {
      if (written.value === answer.value) return false;
      const order = compareVersions(answer.version, written.version);
      if (order !== undefined && order !== 0) return order < 0;
      if (replacedUnknown) return true;
    }
    return replaced.some((state) => isSame(state, answer));
  }

  clear(): void {
    this.#writes.clear();
  }

  private forgetOld(at: number): void {
    for (const [key, write] of this.#writes) {
      if (at - write.at < REPLICA_LAG_MS) return;
      this.#writes.delete(key);
    }
  }
}

const ABSENT: SecretState = { value: undefined };
const WHOLE_NUMBER = /^\d{1,15}$/;

function isKnown(state: SecretState | undefined): state is SecretState {
  return state !== undefined;
}

function isSame(replaced: SecretState, answer: SecretState): boolean {
  if (replaced.value === answer.value) return true;
  return replaced.version !== undefined && replaced.version === answer.version;
}

/** Negative if `a` is older; `undefined` if versions do not tell. */
function compareVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  return WHOLE_NUMBER.test(a) && WHOLE_NUMBER.test(b) ? Number(a) - Number(b) : undefined;
}
