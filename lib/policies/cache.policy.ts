import { EFFORT, triedOnce, type CallOptions } from '../core/cancellation';
import { now } from '../core/clock';
import type {
  DeleteOptions,
  SecretMetadata,
  SecretReading,
  WriteOptions,
} from '../core/custom-secret-manager';
import {
  isSecretManagerError,
  isTransient,
  type SecretManagerError,
  type SecretManagerErrorCode,
} from '../core/secret-manager.error';
import { CacheEntries } from './cache-entries';
import { dueAt, type CacheEntry } from './cache-entry';
import { plainRead, sharedRead, type SharedRead } from './flight';
import { PinnedSecrets } from './pinned-secrets';
import { Policy, asOutcome, type SecretReadings } from './policy';
import { RefreshBackoff } from './refresh-backoff';
import type { SecretCache, SecretInspection } from './secret-cache';
import type { FlightObserver, SingleFlightPolicy } from './single-flight.policy';
import { WriteOrder } from './write-order';

export interface CacheOptions {
  /** How long a value is fresh, in milliseconds, less up to 10 % so that not all expire together. Default 300 000. */
  readonly ttlMs?: number;
  /** For how long after that it is served while a refresh runs behind it, in milliseconds. Default 60 000. */
  readonly staleWhileRevalidateMs?: number;
  /** For how long after `ttlMs` it is served if the store cannot be asked, in milliseconds. Default 3 600 000 (RFC 5861). */
  readonly staleIfErrorMs?: number;
  /** For how long an absence is remembered, in milliseconds. Default 10 000. */
  readonly absenceTtlMs?: number;
  /** How many secrets are kept; the least recently used go first. Default 10 000. */
  readonly maxEntries?: number;
  /** Told once when the first refresh fails, and once when none fails any more. */
  readonly onStateChange?: (state: 'stale' | 'recovered', error?: unknown) => void;
}

const JITTER = 0.1;

/**
 * Answers from memory within stated bounds. A value is fresh for `ttlMs`; then it is served while a refresh runs behind it;
 * then the store is asked, and the value serves on only if the store cannot be asked. A denial and an absence end it at
 * once. Only a successful read, or a write through here, makes it younger.
 */
export class CachePolicy extends Policy implements SecretCache, FlightObserver {
  readonly #flights: SingleFlightPolicy;
  readonly #options: Required<Omit<CacheOptions, 'maxEntries' | 'onStateChange'>>;
  readonly #entries: CacheEntries;
  readonly #pinned = new PinnedSecrets((read) => this.refreshBehind(read));
  readonly #backoff: RefreshBackoff;
  readonly #writes = new WriteOrder();

  constructor(
    inner: SingleFlightPolicy,
    {
      ttlMs = 300_000,
      staleWhileRevalidateMs = 60_000,
      staleIfErrorMs = 3_600_000,
      absenceTtlMs = 10_000,
      maxEntries = 10_000,
      onStateChange,
    }: CacheOptions = {},
  ) {
    super(inner);
    this.#flights = inner;
    this.#options = { ttlMs, staleWhileRevalidateMs, staleIfErrorMs, absenceTtlMs };
    this.#entries = new CacheEntries(maxEntries, this.#pinned);
    this.#backoff = new RefreshBackoff(onStateChange);
    inner.observe(this);
  }

  peek(secretName: string): string | undefined {
    return this.#entries.freshValue(secretName) ?? this.servable(plainRead(secretName))?.value;
  }

  override async readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    const read = sharedRead(secretName, options.params);
    const entry = this.servable(read, options.maxAgeMs);
    if (entry !== undefined) return toReading(entry);
    try {
      return await this.#flights.readSecret(secretName, this.spared(read.key, options));
    } catch (error) {
      return this.staleOrThrow(read, error, options.maxAgeMs);
    }
  }

  override readSecretSync(
    secretName: string,
    options: CallOptions = {},
  ): SecretReading | undefined {
    const read = sharedRead(secretName, options.params);
    const entry = this.servable(read, options.maxAgeMs);
    if (entry !== undefined) return toReading(entry);
    const startedAt = now();
    try {
      const reading = this.inner.readSecretSync(secretName, options);
      this.#flights.outdate(read.key);
      this.landed(read, reading, startedAt);
      return reading;
    } catch (error) {
      if (!hasCode(error, 'UNSUPPORTED')) this.failed(read, error);
      else if (this.isKept(read.key)) this.refreshWhenDue(read);
      return this.staleOrThrow(read, this.#backoff.errorOf(read.key) ?? error, options.maxAgeMs);
    } finally {
      this.#entries.cool(); // the thread stood still
    }
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const { params, maxAgeMs } = options;
    const missing = secretNames.filter(
      (secretName) => this.servable(sharedRead(secretName, params), maxAgeMs) === undefined,
    );
    const outcomes: SecretReadings =
      missing.length > 0 ? await this.#flights.readSecrets(missing, options) : new Map();
    const readings = new Map<string, SecretReading | SecretManagerError | undefined>();
    for (const secretName of secretNames) {
      const outcome = outcomes.has(secretName)
        ? this.staleOrOutcome(sharedRead(secretName, params), outcomes.get(secretName), maxAgeMs)
        : await this.readSecret(secretName, options).catch(asOutcome); // it aged while the others were read
      readings.set(secretName, outcome);
    }
    return readings;
  }

  override writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    return this.writeThrough(
      sharedRead(secretName, options.params),
      () => this.#flights.writeSecret(secretName, value, options),
      ({ version }) => ({ value, version }),
    );
  }

  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.writeThrough(
      sharedRead(secretName, options.params),
      () => this.#flights.deleteSecret(secretName, options),
      () => undefined,
    );
  }

  pin(secretName: string): void {
    const read = sharedRead(secretName, undefined);
    this.#pinned.add(read);
    this.planRefresh(read.key);
  }

  async refresh(secretName?: string): Promise<void> {
    const reads = secretName === undefined ? this.cachedReads() : this.#entries.readsOf(secretName);
    const names = reads.filter(({ params }) => params === undefined).map((read) => read.secretName);
    const variants = reads.filter(({ params }) => params !== undefined);
    const [outcomes, ...failures] = await Promise.all([
      this.readSecrets(names, { maxAgeMs: 0 }),
      ...variants.map(({ secretName: name, params }) =>
        this.readSecret(name, { params, maxAgeMs: 0 }).catch(asOutcome),
      ),
    ]);
    for (const outcome of [...outcomes.values(), ...failures]) {
      if (isSecretManagerError(outcome)) throw outcome;
    }
  }

  invalidate(secretName?: string): void {
    const reads = secretName === undefined ? this.cachedReads() : this.#entries.readsOf(secretName);
    this.#flights.supersede(
      (flight) => secretName === undefined || flight.secretName === secretName,
    );
    for (const { key } of reads) this.drop(key);
  }

  inspect(): readonly SecretInspection[] {
    const at = Math.trunc(now());
    return this.#entries
      .all()
      .map(([read, entry]) => this.inspection(read, entry, at - entry.readAt))
      .filter((inspection) => inspection !== undefined);
  }

  override close(): void | Promise<void> {
    this.#pinned.close();
    this.#entries.clear();
    this.#backoff.clear();
    return super.close();
  }

  landed(read: SharedRead, reading: SecretReading | undefined, startedAt: number): void {
    this.#backoff.succeeded(read.key);
    this.store(read, reading, startedAt);
  }

  failed(read: SharedRead, error: unknown): void {
    if (!isTransient(error) && !hasCode(error, 'CANCELLED')) this.drop(read.key);
    if (this.isKept(read.key)) {
      this.#backoff.failed(read.key, error, this.#entries.ofKey(read.key) !== undefined);
    }
    this.planRefresh(read.key);
  }

  ended({ key }: SharedRead): void {
    this.planRefresh(key);
  }

  /** The entry that may be served without asking the store first, with a refresh behind it where it is due. */
  private servable(read: SharedRead, maxAgeMs = Infinity): CacheEntry | undefined {
    const entry = this.#entries.get(read);
    if (entry === undefined) return undefined;
    const ageMs = now() - entry.readAt;
    if (ageMs >= maxAgeMs || ageMs >= (entry.validForMs ?? Infinity)) return undefined;
    const staleForMs = ageMs - this.freshMs(entry);
    if (staleForMs >= 0) {
      if (entry.value === undefined) return undefined;
      const isSpaced = ageMs < this.lastsMs(entry) && this.#backoff.isWaiting(read.key);
      if (!isSpaced && staleForMs >= this.#options.staleWhileRevalidateMs) return undefined;
      this.refreshWhenDue(read);
    }
    this.#entries.touch(entry);
    return entry;
  }

  /** A failure is answered with the last value if the store could not be asked, and the value is young enough for the caller. */
  private staleOrThrow(
    read: SharedRead,
    error: unknown,
    maxAgeMs = Infinity,
  ): SecretReading | undefined {
    const entry = this.#entries.get(read);
    if (entry === undefined) throw error;
    if (now() - entry.readAt >= Math.min(maxAgeMs, this.lastsMs(entry))) throw error;
    const isOutage = isTransient(error) && entry.value !== undefined;
    if (!isOutage && !hasCode(error, 'UNSUPPORTED')) throw error; // there may be no synchronous read
    return toReading(entry);
  }

  private staleOrOutcome(
    read: SharedRead,
    outcome: SecretReading | SecretManagerError | undefined,
    maxAgeMs: number | undefined,
  ): SecretReading | SecretManagerError | undefined {
    if (!isSecretManagerError(outcome)) return outcome;
    try {
      return this.staleOrThrow(read, outcome, maxAgeMs);
    } catch {
      return outcome;
    }
  }

  /** While refreshes fail, whoever asks past the backoff asks once: the cache spaces what the retry would repeat. */
  private spared(key: string, options: CallOptions): CallOptions {
    const isFailing = options[EFFORT] === undefined && this.#backoff.isFailing(key);
    return isFailing ? triedOnce(options) : options;
  }

  private refreshBehind({ secretName, params }: SharedRead): void {
    this.#flights.refreshBehind(secretName, params);
  }

  private refreshWhenDue(read: SharedRead): void {
    if (!this.#backoff.isWaiting(read.key)) this.refreshBehind(read);
  }

  private isKept(key: string): boolean {
    return this.#entries.ofKey(key) !== undefined || this.#pinned.has(key);
  }

  private writeThrough(
    read: SharedRead,
    write: () => Promise<SecretMetadata>,
    written: (metadata: SecretMetadata) => SecretReading | undefined,
  ): Promise<SecretMetadata> {
    const { secretName } = read;
    return this.#writes.follow(secretName, write, {
      changed: () => {
        for (const { key } of this.#entries.readsOf(secretName)) this.drop(key);
      },
      settled: (metadata) => this.landed(read, written(metadata), now()),
    });
  }

  private store(read: SharedRead, reading: SecretReading | undefined, readAt: number): void {
    this.#entries.set(read, {
      value: reading?.value,
      version: reading?.version,
      readAt: Math.trunc(readAt),
      freshUntil: this.freshUntil(reading, Math.trunc(readAt)),
      validForMs: reading?.validForMs,
      used: 0,
    });
    for (const key of this.#entries.surplus()) this.drop(key);
    this.planRefresh(read.key);
  }

  /** Until when it answers without another look. A lease never does: it ends on time. */
  private freshUntil(reading: SecretReading | undefined, readAt: number): number {
    const { ttlMs, absenceTtlMs } = this.#options;
    if (reading === undefined) return Math.trunc(readAt + absenceTtlMs);
    if (reading.validForMs !== undefined) return 0;
    return Math.trunc(readAt + ttlMs * (1 - JITTER * Math.random()));
  }

  private freshMs({ readAt, freshUntil, validForMs }: CacheEntry): number {
    return validForMs === undefined
      ? freshUntil - readAt
      : Math.min(this.#options.ttlMs, validForMs);
  }

  private lastsMs({ validForMs = Infinity }: CacheEntry): number {
    const { ttlMs, staleIfErrorMs } = this.#options;
    return Math.min(ttlMs + staleIfErrorMs, validForMs);
  }

  private drop(key: string): void {
    this.#entries.delete(key);
    if (this.#pinned.has(key)) this.planRefresh(key);
    else this.#backoff.forget(key);
  }

  private planRefresh(key: string): void {
    if (!this.#pinned.has(key)) return;
    this.#pinned.plan(key, Math.max(dueAt(this.#entries.ofKey(key)), this.#backoff.nextAt(key)));
  }

  private inspection(
    { key, secretName: name }: SharedRead,
    entry: CacheEntry,
    ageMs: number,
  ): SecretInspection | undefined {
    const { value, version } = entry;
    const freshMs = this.freshMs(entry);
    const isFresh = ageMs < freshMs;
    if (value === undefined) return isFresh ? { name, state: 'absent', ageMs } : undefined;
    const isOver = ageMs >= (entry.validForMs ?? freshMs + this.#options.staleWhileRevalidateMs);
    if (isOver && ageMs >= this.lastsMs(entry)) return undefined;
    const state = isFresh && !this.#backoff.isFailing(key) ? 'fresh' : 'stale';
    return { name, state, ageMs, ...(version !== undefined && { version }) };
  }

  private cachedReads(): SharedRead[] {
    return this.#entries.all().map(([read]) => read);
  }
}

function toReading({ value, version }: CacheEntry): SecretReading | undefined {
  return value === undefined ? undefined : { value, version };
}

function hasCode(error: unknown, code: SecretManagerErrorCode): boolean {
  return isSecretManagerError(error) && error.code === code;
}
