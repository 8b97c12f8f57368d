import {
  CustomSecretManager,
  SecretManagerError,
  type OperationOptions,
  type SecretAnswer,
  type SecretManagerErrorCode,
  type SecretMetadata,
} from 'nestjs-custom-secret-manager';
import type { VirtualTime } from '../support/virtual-time';

/** A read in flight at the store. */
export interface UpstreamRead {
  readonly name: string;
  /** Tells that a write, a deletion or an invalidation has overtaken the read: others may be made beside it. */
  isOvertaken: boolean;
  /** Tells that a synchronous read was answered since this read began. */
  isOutdated: boolean;
}

/** An event that the application has observed, in order. */
export type Event =
  | { readonly kind: 'answer'; readonly name: string; readonly at: number; readonly value: string }
  | {
      readonly kind: 'absent';
      readonly name: string;
      readonly at: number;
      readonly isOvertaken: boolean;
      /** Tells that it follows a write of the application: it may come from a lagging replica. */
      readonly isDoubtful: boolean;
      /** Tells that a deletion reported it, and no read. */
      readonly isWrite?: true;
    }
  | {
      readonly kind: 'failure';
      readonly name: string;
      readonly code: SecretManagerErrorCode;
      readonly isOvertaken: boolean;
    }
  /** The caller gave up, or its time was over. */
  | { readonly kind: 'aborted'; readonly name: string }
  | { readonly kind: 'unclear'; readonly name: string }
  | {
      readonly kind: 'written';
      readonly name: string;
      readonly at: number;
      readonly value: string;
    };

/** The time for which an answer after a write may come from a lagging replica. */
const REPLICA_LAG_MS = 10_000;

/** The behaviour of the store for later operations. */
export interface Weather {
  readonly latencyMs: number;
  readonly writeLatencyMs: number;
  /** The share of the latency after which a read sees the secret. */
  readonly readsAfter: 0 | 0.5;
  readonly failure: SecretManagerErrorCode | undefined;
  /** The only secret whose reads fail. `undefined`: every operation fails. */
  readonly failsFor?: string | undefined;
  /** The time for which reads still see the state before a change. */
  readonly lagMs?: number;
}

interface Change {
  readonly value: string | undefined;
  readonly sequence: number;
  readonly at: number;
}

/** A store in virtual time. It records everything, and numbers the events of a secret in order. */
export class SimulatedStore extends CustomSecretManager {
  weather: Weather = { latencyMs: 4, writeLatencyMs: 4, readsAfter: 0.5, failure: undefined };
  readonly events: Event[] = [];
  readonly running = new Set<UpstreamRead>();
  onStart: (read: UpstreamRead) => void = () => undefined;
  readonly #history = new Map<string, Change[]>();
  #sequence = 0;
  /** The longest lag of the whole schedule. */
  longestLagMs = 0;

  constructor(protected readonly time: VirtualTime) {
    super('simulated');
  }

  override async readSecret(name: string, options: OperationOptions = {}): Promise<SecretAnswer> {
    const read = this.start(name, options);
    const { latencyMs, readsAfter } = this.weather;
    const failure = this.failureOf(name);
    if (readsAfter > 0) await this.time.sleep(latencyMs * readsAfter);
    const value = this.seen(name);
    await this.time.sleep(latencyMs * (1 - readsAfter));
    return this.versioned(name, this.answer(read, value, failure));
  }

  override readSecretSync(name: string): SecretAnswer {
    const earlier = [...this.running].filter((read) => read.name === name);
    const read = { name, isOvertaken: false, isOutdated: false };
    this.running.add(read);
    const value = this.answer(read, this.seen(name), this.failureOf(name));
    for (const outdated of earlier) outdated.isOutdated = true;
    return this.versioned(name, value);
  }

  override async writeSecret(
    name: string,
    value: string,
    { signal }: OperationOptions = {},
  ): Promise<SecretMetadata> {
    await this.change(name, value);
    const { elapsed: at } = this.time;
    if (!signal?.aborted) this.events.push({ kind: 'written', name, at, value });
    return { version: String(this.sequenceOf(name, value)) };
  }

  override async deleteSecret(
    name: string,
    { signal }: OperationOptions = {},
  ): Promise<SecretMetadata> {
    await this.change(name, undefined);
    const { elapsed: at } = this.time;
    if (!signal?.aborted) {
      const told = { isOvertaken: false, isDoubtful: false, isWrite: true } as const;
      this.events.push({ kind: 'absent', name, at, ...told });
    }
    return {};
  }

  /** Changes a secret without the application. `undefined` removes it. */
  put(name: string, value: string | undefined): void {
    const changes = this.#history.get(name) ?? [];
    this.#sequence += 1;
    changes.push({ value, sequence: this.#sequence, at: this.time.elapsed });
    this.#history.set(name, changes);
  }

  /** Puts the last value once more, as a new version. */
  putAgain(name: string): void {
    const last = this.#history.get(name)?.findLast(({ value }) => value !== undefined);
    if (last !== undefined) this.put(name, last.value);
  }

  sequenceOf(name: string, value: string): number {
    return this.#history.get(name)?.findLast((change) => change.value === value)?.sequence ?? -1;
  }

  /** Returns the time until which the store held a value: now, if it still does. */
  heldUntil(name: string, value: string): number {
    const changes = this.#history.get(name) ?? [];
    const index = changes.findLastIndex((change) => change.value === value);
    return index < 0 ? -Infinity : (changes[index + 1]?.at ?? this.time.elapsed);
  }

  /** Returns the time of the store's last answer or accepted write for a secret. */
  lastHeardOf(name: string): number {
    const heard = this.events.findLast((event) => event.name === name && 'at' in event);
    return heard !== undefined && 'at' in heard ? heard.at : -Infinity;
  }

  protected start(name: string, options: OperationOptions): UpstreamRead {
    const read = { name, isOvertaken: false, isOutdated: false };
    this.onStart(read);
    this.running.add(read);
    options.signal?.addEventListener('abort', () => {
      if (this.running.delete(read)) this.events.push({ kind: 'aborted', name });
    });
    return read;
  }

  /** Returns the value that a read sees now: that of the store, or of a lagging replica. */
  protected seen(name: string): string | undefined {
    const { lagMs = 0 } = this.weather;
    const until = this.time.elapsed - lagMs;
    return this.#history.get(name)?.findLast(({ at }) => at <= until)?.value;
  }

  /** Returns a value with its version, by which the pipeline recognises an answer older than a write. */
  protected versioned(name: string, value: string | undefined): SecretAnswer {
    return value === undefined
      ? undefined
      : { value, version: String(this.sequenceOf(name, value)) };
  }

  protected failureOf(name: string): SecretManagerErrorCode | undefined {
    const { failure, failsFor = name } = this.weather;
    return failsFor === name ? failure : undefined;
  }

  protected answer(
    read: UpstreamRead,
    value: string | undefined,
    failure: SecretManagerErrorCode | undefined,
  ): string | undefined {
    const { name } = read;
    const isOvertaken = read.isOvertaken || read.isOutdated;
    const { elapsed: at } = this.time;
    if (!this.running.delete(read)) throw new SecretManagerError('CANCELLED', 'nobody waits');
    if (failure !== undefined) {
      this.events.push({ kind: 'failure', name, code: failure, isOvertaken });
      throw new SecretManagerError(failure, 'bad weather');
    }
    if (value !== undefined) this.events.push({ kind: 'answer', name, at, value });
    else this.events.push({ kind: 'absent', name, at, isOvertaken, isDoubtful: this.isLag(name) });
    return value;
  }

  /** Tells whether an absence may come from a replica that lags behind a write. */
  private isLag(name: string): boolean {
    const written = this.events.findLast(
      (event) => event.name === name && event.kind === 'written',
    );
    return written?.kind === 'written' && this.time.elapsed - written.at <= REPLICA_LAG_MS;
  }

  private async change(name: string, value: string | undefined): Promise<void> {
    const { writeLatencyMs: latencyMs, failure } = this.weather;
    await this.time.sleep(latencyMs / 2);
    if (failure === undefined || failure === 'TIMEOUT') this.put(name, value); // it timed out, but happened
    await this.time.sleep(latencyMs / 2);
    if (failure !== undefined) throw new SecretManagerError(failure, 'bad weather');
  }
}

/** A simulated store with batches, which may fail for each name or as a whole. */
export class BatchingStore extends SimulatedStore {
  override async readSecrets(
    names: readonly string[],
    options: OperationOptions = {},
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    const reads = names.map((name) => this.start(name, options));
    const { latencyMs, readsAfter } = this.weather;
    const failures = new Map(names.map((name) => [name, this.failureOf(name)]));
    if (readsAfter > 0) await this.time.sleep(latencyMs * readsAfter);
    const values = new Map(names.map((name) => [name, this.seen(name)]));
    await this.time.sleep(latencyMs * (1 - readsAfter));
    return new Map(
      reads.map((read) => [read.name, this.attempt(read, values, failures.get(read.name))]),
    );
  }

  private attempt(
    read: UpstreamRead,
    values: ReadonlyMap<string, string | undefined>,
    failure: SecretManagerErrorCode | undefined,
  ): SecretAnswer | Error {
    try {
      return this.versioned(read.name, this.answer(read, values.get(read.name), failure));
    } catch (error) {
      return error as Error;
    }
  }
}
