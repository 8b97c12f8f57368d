import {
  SecretsService,
  isSecretManagerError,
  type SecretManagerErrorCode,
} from 'nestjs-custom-secret-manager';
import { compose } from '../../lib/policies/compose';
import { resolveOptions } from '../../lib/secret-manager.options';
import { VirtualTime, randomOf } from '../support/virtual-time';
import { Listener } from './listener';
import {
  BatchingStore,
  SimulatedStore,
  type Event,
  type UpstreamRead,
  type Weather,
} from './simulated-store';

export const TTL_MS = 1_000;
export const STALE_IF_ERROR_MS = 3_000;
export const STALE_WHILE_REVALIDATE_MS = 200;
export const ABSENCE_TTL_MS = 100;
export const TIMEOUT_MS = 400;
const CLOCK_STEP_MS = 50;

export type Command =
  | {
      readonly do: 'get';
      readonly name: string;
      readonly maxAgeMs?: 0;
      readonly abortAfterMs?: number;
      readonly timeoutMs?: number;
    }
  | { readonly do: 'getSync' | 'set' | 'delete' | 'refresh' | 'invalidate'; readonly name: string }
  | { readonly do: 'getMany'; readonly names: readonly string[] }
  | { readonly do: 'put' | 'putAgain' | 'remove'; readonly name: string }
  | { readonly do: 'listen' | 'stopListening'; readonly name: string }
  | ({ readonly do: 'weather' } & Weather)
  | { readonly do: 'advance' | 'suspend'; readonly byMs: number };

export interface Schedule {
  readonly batches: boolean;
  readonly pinned: readonly string[];
  readonly commands: readonly Command[];
  readonly seed: number;
}

/** Runs one schedule against the real pipeline in virtual time. Throws at the first broken promise. */
export async function run({ batches, pinned, commands, seed }: Schedule): Promise<void> {
  const time = new VirtualTime();
  time.install(randomOf(seed));
  try {
    const store = batches ? new BatchingStore(time) : new SimulatedStore(time);
    store.longestLagMs = Math.max(0, ...commands.map(lagOf));
    const model = new Model(time, store);
    model.pin(pinned);
    for (const command of commands) await model.carryOut(command);
    await model.finish();
  } finally {
    time.uninstall();
  }
}

function lagOf(command: Command): number {
  return command.do === 'weather' ? (command.lagMs ?? 0) : 0;
}

class Model {
  readonly #service: SecretsService;
  readonly #pipeline: ReturnType<typeof compose>;
  readonly #pending = new Set<Promise<void>>();
  /** The number of the last write through the service that is known to have succeeded. */
  readonly #written = new Map<string, number>();
  readonly #writes = new Map<string, { running: number; overlapped: boolean }>();
  readonly #invalidatedAt = new Map<string, number>();
  readonly #readAt = new Map<string, number>();
  readonly #listeners: Listener[] = [];
  readonly #doubted: UpstreamRead[] = [];
  #violation: string | undefined;
  #values = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly store: SimulatedStore,
  ) {
    const options = resolveOptions(
      {
        settings: { accessMode: 'read_and_write' },
        fallback: 'never',
        timeoutMs: TIMEOUT_MS,
        attemptTimeoutMs: 150,
        cache: {
          ttlMs: TTL_MS,
          staleWhileRevalidateMs: STALE_WHILE_REVALIDATE_MS,
          staleIfErrorMs: STALE_IF_ERROR_MS,
          absenceTtlMs: ABSENCE_TTL_MS,
          maxEntries: 3,
        },
        retry: { maxAttempts: 2, baseDelayMs: 20, maxDelayMs: 40 },
        circuitBreaker: { failureThreshold: 4, resetAfterMs: 300 },
      },
      store,
    );
    const onStateChange = (state: 'open' | 'closed'): void => {
      if (state === 'open') this.checkOpening();
    };
    const circuitBreaker = options.circuitBreaker && { ...options.circuitBreaker, onStateChange };
    this.#pipeline = compose(store, { ...options, circuitBreaker });
    this.#service = new SecretsService(this.#pipeline, options, () => undefined);
    store.onStart = (read) => this.doubtOthers(read);
    time.onSettled = () => this.judge();
  }

  pin(names: readonly string[]): void {
    for (const name of names) this.#pipeline.cache.pin(name);
  }

  async carryOut(command: Command): Promise<void> {
    switch (command.do) {
      case 'get':
        this.get(command);
        break;
      case 'getSync':
        this.getSync(command.name);
        break;
      case 'getMany':
        this.getMany(command.names);
        break;
      case 'set':
        this.set(command.name);
        break;
      case 'delete':
        this.overtake(command.name, () => this.#service.delete(command.name));
        break;
      case 'refresh':
        this.watch(this.#service.refresh(command.name).then(ignore, ignore));
        break;
      case 'invalidate':
        this.markOvertaken(command.name);
        this.#invalidatedAt.set(command.name, this.time.elapsed);
        this.#service.invalidate(command.name);
        break;
      case 'put':
        this.store.put(command.name, this.nextValue());
        break;
      case 'putAgain':
        this.store.putAgain(command.name);
        break;
      case 'listen':
        this.listen(command.name);
        break;
      case 'stopListening':
        this.#listeners.splice(0).forEach(({ stop }) => stop());
        break;
      case 'remove':
        this.store.put(command.name, undefined);
        break;
      case 'weather':
        this.store.weather = command;
        break;
      case 'suspend':
        await this.time.advance(2 * TIMEOUT_MS); // an answer that arrives after a sleep is as old as the sleep
        this.time.suspend(command.byMs);
        break;
      case 'advance':
        await this.time.advance(command.byMs);
    }
    await this.time.advance(0);
    this.checkAges();
    for (const listener of this.#listeners) listener.check();
    this.raise();
  }

  /** Lets everything settle without faults, and checks that nothing is left behind. */
  async finish(): Promise<void> {
    this.store.weather = { latencyMs: 1, writeLatencyMs: 1, readsAfter: 0, failure: undefined };
    await this.time.advance(3 * TIMEOUT_MS);
    if (this.#pending.size > 0) this.violate(`${this.#pending.size} calls never settled`);
    await this.#pipeline.close();
    await this.time.advance(10);
    if (this.time.pendingTimers > 0)
      this.violate(`${this.time.pendingTimers} timers are left after close`);
    this.raise();
  }

  private listen(name: string): void {
    const listener = new Listener(
      name,
      (listen) => this.#service.secret(name).onChange(listen),
      () => this.#pipeline.cache.cached(name),
      (promise) => this.violate(promise),
    );
    this.#listeners.push(listener);
  }

  private get({ name, maxAgeMs, abortAfterMs, timeoutMs }: Command & { do: 'get' }): void {
    const check = this.checkFor(name, maxAgeMs === 0);
    const controller = new AbortController();
    if (abortAfterMs !== undefined) {
      void this.time.sleep(abortAfterMs).then(() => controller.abort());
    }
    const signal = abortAfterMs === undefined ? undefined : controller.signal;
    this.watch(this.#service.get(name, { maxAgeMs, timeoutMs, signal }).then(check, ignore));
  }

  private getSync(name: string): void {
    const check = this.checkFor(name, false);
    try {
      check(this.#service.getSync(name));
    } catch {
      // a failure is an answer, too
    }
  }

  private getMany(names: readonly string[]): void {
    const checks = new Map(names.map((name) => [name, this.checkFor(name, false)]));
    const checkAll = this.#service.getMany(names).then((outcomes) => {
      for (const [name, outcome] of outcomes) {
        if ('value' in outcome) checks.get(name)?.(outcome.value);
        if ('absent' in outcome) checks.get(name)?.(undefined);
      }
    });
    this.watch(checkAll.catch(ignore));
  }

  private set(name: string): void {
    const value = this.nextValue();
    this.overtake(
      name,
      () => this.#service.set(name, value),
      (isOverlapped) => {
        // the order of overlapping writes is unknown: a replica may lag behind any of them
        if (isOverlapped && this.store.longestLagMs > 0) return;
        const sequence = this.store.sequenceOf(name, value);
        this.#written.set(name, Math.max(sequence, this.#written.get(name) ?? 0));
      },
    );
  }

  private overtake(
    name: string,
    write: () => Promise<unknown>,
    written: (isOverlapped: boolean) => void = () => undefined,
  ): void {
    const writes = this.#writes.get(name) ?? { running: 0, overlapped: false };
    writes.running += 1;
    writes.overlapped ||= writes.running > 1;
    this.#writes.set(name, writes);
    this.markOvertaken(name);
    this.watch(
      write()
        .then(
          () => written(writes.overlapped),
          (error: unknown) => {
            if (isUnclear(error)) this.store.events.push({ kind: 'unclear', name });
          },
        )
        .then(() => {
          writes.running -= 1;
          if (writes.running === 0) this.#writes.delete(name);
          this.markOvertaken(name);
        }),
    );
  }

  private markOvertaken(name: string): void {
    for (const read of this.store.running) {
      if (read.name === name) read.isOvertaken = true;
    }
  }

  /** Returns a check of the value that a call starting now may get. */
  private checkFor(name: string, isUncached: boolean): (value: string | undefined) => void {
    const eventsBefore = this.store.events.length;
    const written = this.#written.get(name) ?? 0;
    const startedAt = this.time.elapsed;
    const invalidatedAt = this.#invalidatedAt.get(name) ?? -Infinity;
    const sleptBefore = this.time.asleepMs;
    return (value) => {
      if (value === undefined) {
        this.checkAbsence(name, startedAt);
        return;
      }
      const held = this.store.heldUntil(name, value);
      const slept = this.time.asleepMs - sleptBefore; // the answer may have arrived before the sleep
      const age = this.time.elapsed - slept - held;
      const { longestLagMs } = this.store;
      if (age > TTL_MS + STALE_IF_ERROR_MS + CLOCK_STEP_MS + longestLagMs)
        this.violate(`${name}: ${age} ms too old`);
      if (this.store.sequenceOf(name, value) < written)
        this.violate(`${name}: older than what was written`);
      if (held < invalidatedAt - longestLagMs)
        this.violate(`${name}: from before it was invalidated`);
      if (isUncached && held < startedAt - longestLagMs)
        this.violate(`${name}: older than the question`);
      if (!this.isBacked(name, value, eventsBefore))
        this.violate(`${name}: served after a denial or an absence`);
    };
  }

  /** Tells whether the store returned or accepted the value since its last denial or absence. */
  private isBacked(name: string, value: string, eventsBefore: number): boolean {
    const { events } = this.store;
    const endedBy = events.slice(0, eventsBefore).findLastIndex((event) => isEnd(event, name));
    return events
      .slice(endedBy + 1)
      .some((event) => event.name === name && 'value' in event && event.value === value);
  }

  private checkAbsence(name: string, startedAt: number): void {
    const since = startedAt - ABSENCE_TTL_MS - CLOCK_STEP_MS - TIMEOUT_MS;
    const isBacked = this.store.events.some(
      (event) => event.kind === 'absent' && event.name === name && event.at >= since,
    );
    if (!isBacked) this.violate(`${name}: an absence that nobody told`);
  }

  private checkAges(): void {
    for (const { name, ageMs } of this.#service.inspect()) {
      const at = this.time.elapsed - ageMs;
      const before = this.#readAt.get(name);
      const isYounger = before !== undefined && at > before;
      if (isYounger && this.store.lastHeardOf(name) < at)
        this.violate(`${name}: became younger without an answer`);
      if (ageMs > TTL_MS + STALE_IF_ERROR_MS) this.violate(`${name}: kept for ${ageMs} ms`);
      this.#readAt.set(name, at);
    }
  }

  /** Checks that failures of a single secret do not open the circuit of the store. */
  private checkOpening(): void {
    const { events } = this.store;
    const answered = events.findLastIndex(
      (event) => event.kind === 'answer' || (event.kind === 'absent' && !event.isWrite),
    );
    const failed = events.slice(answered + 1).filter(({ kind }) => FAILING.has(kind));
    if (new Set(failed.map(({ name }) => name)).size < 2)
      this.violate('the circuit of the store was opened by one secret alone');
  }

  private doubtOthers({ name }: UpstreamRead): void {
    for (const other of this.store.running) if (other.name === name) this.#doubted.push(other);
  }

  /**
   * Reports doubted pairs of reads. A write of the same moment may have overtaken one of them, which is known only now.
   */
  private judge(): void {
    for (const { name, isOvertaken } of this.#doubted.splice(0)) {
      if (!isOvertaken) this.violate(`${name}: two calls in flight`);
    }
  }

  private watch(settled: Promise<unknown>): void {
    const watched: Promise<void> = settled.then(() => {
      this.#pending.delete(watched);
    });
    this.#pending.add(watched);
  }

  private nextValue(): string {
    this.#values += 1;
    return `value ${this.#values}`;
  }

  private violate(promise: string): void {
    this.#violation ??= `${promise} (at ${this.time.elapsed})`;
  }

  private raise(): void {
    if (this.#violation !== undefined) throw new Error(this.#violation);
  }
}

/** Tells whether a failed write may have happened. */
function isUnclear(error: unknown): boolean {
  return isSecretManagerError(error) && (error.code === 'TIMEOUT' || error.code === 'UNKNOWN');
}

function isEnd(event: Event, name: string): boolean {
  if (event.name === name && event.kind === 'unclear') return true;
  if (event.name !== name || !('isOvertaken' in event) || event.isOvertaken) return false;
  return event.kind === 'absent' ? !event.isDoubtful : ENDING.has(event.code);
}

const ENDING: ReadonlySet<SecretManagerErrorCode> = new Set([
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
] as const);

const FAILING: ReadonlySet<Event['kind']> = new Set(['failure', 'aborted'] as const);

function ignore(): void {
  // the outcome of this call does not matter
}
