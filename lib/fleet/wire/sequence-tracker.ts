import { now } from '../../core/time/clock';
import type { FleetMessage } from './message';

/** The time of silence after which an origin is forgotten, in milliseconds. */
const MEMORY_MS = 120_000;
/** The time by which a message may be late without a doubt about those before it, in milliseconds. */
const DELIVERY_MS = 1_000;
/** The most sequence numbers of one origin that may still arrive late. */
const MAX_MISSING = 64;

interface Origin {
  sequence: number;
  heartbeatAt: number;
  heardAt: number;
  /** The numbers that were skipped, and may arrive late. */
  readonly missing: Set<number>;
}

/** A verdict on a message: `seen` before, in order, or after a `gap`. */
export type Verdict = 'seen' | 'next' | 'gap';

/**
 * The sequence numbers of the other instances. The first message of an unknown instance, and the first one after this
 * instance has subscribed again, is a baseline: it shows a gap only if its sender announced something in the time that
 * this instance has listened.
 */
export class SequenceTracker {
  /** The origins by name, the one that was silent longest first. */
  readonly #origins = new Map<string, Origin>();
  #subscribedAt = -Infinity;

  /** Takes note of a new subscription. What was announced before it is read again anyway. */
  subscribed(): void {
    this.#subscribedAt = now();
  }

  judge(message: FleetMessage): Verdict {
    const at = now();
    this.forgetSilent(at);
    const known = this.#origins.get(message.origin);
    const origin = known ?? { sequence: message.sequence, heartbeatAt: 0, missing: new Set() };
    const verdict = known ? follow(known, message) : 'next';
    if (verdict === 'seen') return verdict;
    this.#origins.delete(message.origin);
    this.#origins.set(message.origin, {
      missing: origin.missing,
      sequence: Math.max(origin.sequence, message.sequence),
      heartbeatAt: Math.max(message.kind === 'heartbeat' ? message.time : 0, origin.heartbeatAt),
      heardAt: at,
    });
    const isBaseline = known === undefined || known.heardAt < this.#subscribedAt;
    return isBaseline ? baseline(message, at - this.#subscribedAt) : verdict;
  }

  private forgetSilent(at: number): void {
    for (const [name, { heardAt }] of this.#origins) {
      if (at - heardAt < MEMORY_MS) return;
      this.#origins.delete(name);
    }
  }
}

function follow(origin: Origin, { kind, sequence, time }: FleetMessage): Verdict {
  const { sequence: last, heartbeatAt, missing } = origin;
  if (kind === 'heartbeat') {
    if (sequence <= last) return time <= heartbeatAt ? 'seen' : 'next'; // a clock may be set back
    skip(missing, last + 1, sequence);
    return 'gap';
  }
  if (sequence <= last) return missing.delete(sequence) ? 'next' : 'seen';
  if (sequence === last + 1) return 'next';
  skip(missing, last + 1, sequence - 1);
  return 'gap';
}

function skip(missing: Set<number>, from: number, to: number): void {
  for (let sequence = Math.max(from, to - MAX_MISSING + 1); sequence <= to; sequence++)
    missing.add(sequence);
  for (const oldest of missing) {
    if (missing.size <= MAX_MISSING) return;
    missing.delete(oldest);
  }
}

function baseline({ quietMs }: FleetMessage, listeningForMs: number): Verdict {
  const wasHeardOf = quietMs < MEMORY_MS && quietMs + DELIVERY_MS < listeningForMs;
  return wasHeardOf ? 'gap' : 'next';
}
