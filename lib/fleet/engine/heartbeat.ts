import { BackgroundTimer } from '../../core/time/background-timer';
import { now } from '../../core/time/clock';

const LONGEST_INTERVAL_MS = 10_000;
const MISSED_HEARTBEATS = 3;
/** The longest pause before the first heartbeat after a silent cut, in milliseconds. */
const PROBE_MS = 1_000;

export interface HeartbeatListener {
  /** Called when a heartbeat is due. */
  due(): void;
  /** Called when nothing was heard for the time of three heartbeats. */
  silent(): void;
}

/**
 * Decides when an instance sends a heartbeat, and when it counts as cut off. An instance that has announced something
 * sends one within an interval. Any other sends one only if it has heard nothing for a random half to whole interval,
 * so that many idle instances send few.
 */
export class Heartbeat {
  readonly #intervalMs: number;
  readonly #on: HeartbeatListener;
  #heardAt = 0;
  #sentAt = -Infinity;
  #announcedAt: number | undefined;
  /** The silence after which this instance speaks, in milliseconds. */
  #patienceMs = 0;
  readonly #timer = new BackgroundTimer();

  constructor(disconnectedTtlMs: number, on: HeartbeatListener) {
    this.#intervalMs = Math.min(LONGEST_INTERVAL_MS, disconnectedTtlMs / MISSED_HEARTBEATS);
    this.#on = on;
  }

  /** Starts to listen. @param isInDoubt sends the first heartbeat soon, to hear it */
  start(isInDoubt: boolean): void {
    this.#heardAt = now();
    this.#sentAt = -Infinity;
    const shortMs = Math.min(PROBE_MS, this.#intervalMs) * Math.random();
    this.#patienceMs = isInDoubt ? shortMs : this.randomPatienceMs();
    this.wait();
  }

  stop(): void {
    this.#timer.stop();
  }

  heard(): void {
    this.#heardAt = now();
  }

  announced(): void {
    this.#announcedAt ??= now();
  }

  private wait(): void {
    const at = Math.min(this.dueAt, this.silentAt);
    this.#timer.set(() => this.check(), Math.max(1, at - now()));
  }

  private check(): void {
    const at = now();
    if (at >= this.silentAt) {
      this.#on.silent();
      return;
    }
    if (at >= this.dueAt) {
      this.#sentAt = at;
      this.#announcedAt = undefined;
      this.#patienceMs = this.randomPatienceMs();
      this.#on.due();
    }
    this.wait();
  }

  private get dueAt(): number {
    const ownAt = (this.#announcedAt ?? Infinity) + this.#intervalMs;
    return Math.min(ownAt, Math.max(this.#heardAt, this.#sentAt) + this.#patienceMs);
  }

  private get silentAt(): number {
    return this.#heardAt + MISSED_HEARTBEATS * this.#intervalMs;
  }

  private randomPatienceMs(): number {
    return this.#intervalMs * (0.5 + 0.5 * Math.random());
  }
}
