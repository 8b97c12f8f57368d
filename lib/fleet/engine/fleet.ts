import { randomBytes } from 'node:crypto';
import { settledWithin } from '../../core/calls/waiting';
import type { FleetStatus } from '../../core/contract/fleet-status';
import { translateError } from '../../core/errors/error-table';
import { now, startTimer } from '../../core/time/clock';
import type { FleetEntry } from '../../policies/compose';
import type { Announcement, Announcer } from '../../policies/writes/announcements';
import type { ResolvedFleetOptions } from '../fleet-options';
import { NameIndex } from '../name-index';
import { Acceptance, type AcceptedMessage } from '../wire/acceptance';
import { DIGEST_BYTES, fleetDigest } from '../wire/fleet-key';
import { Keyring } from '../wire/keyring';
import { MAX_NAMES } from '../wire/message';
import { Heartbeat } from './heartbeat';
import { Outbox } from './outbox';
import { Publisher } from './publisher';
import { Resync } from './resync';
import { Subscription } from './subscription';

/** The longest time for which a start waits for the broker, in milliseconds. */
const START_TIMEOUT_MS = 2_000;
/** The longest time for which a shutdown waits for pending announcements, then for the transport, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;
/** The time after which a missing key is asked for again, in milliseconds. */
const KEY_INTERVAL_MS = 1_000;

export interface FleetSetup extends ResolvedFleetOptions {
  readonly id: string;
  /** The name of the manager in warnings. */
  readonly manager: string;
  readonly changes: FleetEntry;
  readonly warn: (message: string) => void;
}

/**
 * One instance of a fleet. It announces its changes, and applies those of the others.
 *
 * There is no journal. After a cut, and after a lost message, everything cached expires softly: the store is the
 * journal.
 */
export class Fleet implements Announcer {
  readonly #setup: FleetSetup;
  readonly #origin = randomBytes(DIGEST_BYTES).toString('latin1');
  readonly #keyring: Keyring;
  readonly #names: NameIndex;
  readonly #acceptance: Acceptance;
  readonly #publisher: Publisher;
  readonly #outbox: Outbox;
  readonly #heartbeat: Heartbeat;
  readonly #subscription: Subscription;
  readonly #resync: Resync;
  #state: 'connected' | 'cut' = 'cut';
  #since = now();
  /** `true` while the broker has confirmed the subscription, as far as the transport knows. */
  #isSubscribed = false;
  /** `true` after a silent cut, until something is heard. */
  #isInDoubt = false;
  #wasReported = false;
  /** `true` until the first secret may be read. Nothing is cached before. */
  #isStarting = true;
  #isClosed = false;
  #onConnected = (): void => undefined;
  #stopKeyTimer = (): void => undefined;

  constructor(setup: FleetSetup) {
    const { id, key, manager, warn, transport, changes, disconnectedTtlMs, spreadMs } = setup;
    this.#setup = setup;
    this.#keyring = new Keyring({ source: key, fleetId: id, manager, warn });
    const keyring = this.#keyring;
    this.#names = new NameIndex(() => changes.heldNames());
    const ownOrigin = this.#origin;
    this.#acceptance = new Acceptance({ fleetId: id, ownOrigin, keyring, manager, warn });
    this.#publisher = new Publisher({
      transport,
      fleet: fleetDigest(id),
      origin: ownOrigin,
      keyring,
      names: this.#names,
    });
    this.#outbox = new Outbox({
      maxNames: MAX_NAMES,
      send: (batch, failed) =>
        this.#publisher.announce(batch, () => {
          failed();
          this.#heartbeat.announced(); // a heartbeat publishes what has failed, too
        }),
    });
    this.#heartbeat = new Heartbeat(disconnectedTtlMs, {
      due: () => this.beat(),
      silent: () => this.onSilence(),
    });
    this.#resync = new Resync(() => changes.expire(undefined, { source: 'fleet', spreadMs }));
    this.#subscription = new Subscription(transport, {
      message: (bytes) => this.receive(bytes),
      connected: () => this.onSubscribed(),
      disconnected: () => this.onDisconnected(),
      failed: (error) => this.onRefused(error),
    });
  }

  /** The name of the fleet on its channel. */
  get id(): string {
    return this.#setup.id;
  }

  get status(): FleetStatus {
    return {
      state: this.#state,
      sinceMs: Math.max(0, Math.round(now() - this.#since)),
      received: this.#acceptance.received,
      refused: this.#acceptance.refused,
      published: this.#publisher.published,
      pending: this.#outbox.size,
    };
  }

  /** Returns whether two instances have different keys. An instance without a key differs from none. */
  hasOtherKeyThan(other: Fleet): boolean {
    const [own, theirs] = [this.#keyring.current, other.#keyring.current];
    return own !== undefined && theirs !== undefined && !own.equals(theirs);
  }

  /**
   * Subscribes, and waits up to 2 s for the broker. Does not reject if the broker cannot be reached: the instance
   * starts as `cut`. Rejects with `MISCONFIGURED` for a key that is too short.
   */
  async start(): Promise<void> {
    this.#keyring.open();
    this.#names.retain(this.#keyring.keys);
    const { changes, disconnectedTtlMs } = this.#setup;
    changes.joinFleet({ announcer: this, disconnectedTtlMs });
    changes.limitFreshness(true);
    const connected = new Promise<void>((resolve) => {
      this.#onConnected = resolve;
    });
    this.#subscription.start();
    await settledWithin(START_TIMEOUT_MS, connected);
    this.#isStarting = false;
    if (this.#state === 'connected') return;
    const hasKey = this.#keyring.current !== undefined;
    this.reportCut(
      hasKey ? 'the broker has not confirmed the subscription yet' : 'it has no key yet',
    );
  }

  announce(announcement: Announcement): boolean {
    if (this.#isClosed) return false;
    this.#keyring.refresh();
    this.#outbox.add(announcement);
    this.#heartbeat.announced();
    const isConnected = this.#state === 'connected';
    if (!isConnected) this.reportCut('changes wait for the reconnect');
    return isConnected;
  }

  remember(secretName: string): void {
    this.#names.add(secretName);
  }

  /** Publishes what is pending, and unsubscribes. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onConnected();
    this.#stopKeyTimer();
    this.#heartbeat.stop();
    this.#resync.stop();
    this.#outbox.flush();
    this.#outbox.close();
    await settledWithin(CLOSE_TIMEOUT_MS, this.#publisher.settled());
    await settledWithin(CLOSE_TIMEOUT_MS, this.#subscription.close());
  }

  private receive(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const accepted = this.#acceptance.accept(bytes);
    if (accepted === undefined) return;
    this.#heartbeat.heard();
    this.#isInDoubt = false;
    if (this.#state === 'cut' && this.#isSubscribed) this.connect();
    if (accepted.isOwn) this.#outbox.confirm(accepted.message.sequence);
    else this.apply(accepted);
  }

  private apply({ message: { kind, entries }, key, isAfterGap }: AcceptedMessage): void {
    const { changes, spreadMs } = this.#setup;
    if (isAfterGap) this.#resync.request();
    if (kind === 'heartbeat') return;
    if (entries === 'all') {
      if (kind === 'changed') this.#resync.request();
      else changes.revoke(undefined, { source: 'fleet', spreadMs });
      return;
    }
    for (const { name: digest, version: announced } of entries) {
      const secretName = this.#names.nameOf(digest, key);
      if (secretName === undefined) continue;
      const isCurrent = (version: string): boolean =>
        announced !== undefined && key.digestOfVersion(secretName, version).equals(announced);
      const change = { source: 'fleet', spreadMs, isCurrent } as const;
      if (kind === 'changed') changes.expire(secretName, change);
      else changes.revoke(secretName, change);
    }
  }

  private onSubscribed(): void {
    if (this.#isClosed) return;
    this.#isSubscribed = true;
    this.#acceptance.subscribed();
    this.#heartbeat.start(this.#isInDoubt);
    if (!this.#isInDoubt) this.connect();
  }

  /** Subscribes, then reads again: what changed before was not heard. */
  private connect(): void {
    if (this.#keyring.current === undefined) {
      this.awaitKey();
      return;
    }
    const wasCut = this.#state === 'cut';
    this.enter('connected');
    if (!this.#isStarting) this.#resync.request();
    this.#outbox.open();
    if (wasCut && this.#wasReported) {
      this.#wasReported = false;
      this.warn('is connected to its fleet again; everything cached is read again');
    }
    this.#onConnected();
  }

  private onDisconnected(): void {
    this.#isSubscribed = false;
    this.#isInDoubt = false;
    this.#heartbeat.stop();
    this.cut('the connection to the broker is lost');
  }

  private onSilence(): void {
    this.#isInDoubt = true;
    this.#isSubscribed = false;
    this.cut('nothing was heard for the time of three heartbeats');
    this.#subscription.start();
  }

  /** Reports by class and code. The text of the error may hold the address with its password. */
  private onRefused(error: unknown): void {
    const { manager } = this.#setup;
    const { code } = translateError(error, { manager, operation: 'fleet' });
    this.reportCut(
      `the broker refused the subscription (${code}). Check its address and the login`,
    );
  }

  private cut(why: string): void {
    if (this.#isClosed) return;
    this.enter('cut');
    this.#outbox.close();
    this.reportCut(why);
  }

  private enter(state: 'connected' | 'cut'): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = now();
    this.#setup.changes.limitFreshness(state === 'cut');
  }

  private beat(): void {
    this.#keyring.refresh();
    this.#names.retain(this.#keyring.keys);
    if (this.#keyring.current === undefined) return;
    this.#publisher.heartbeat();
    this.#outbox.schedule();
  }

  /** Connects when the source of the key works. */
  private awaitKey(): void {
    this.#stopKeyTimer();
    const ask = (): void => {
      this.#keyring.refresh();
      if (this.#isSubscribed) this.connect();
    };
    this.#stopKeyTimer = startTimer(ask, KEY_INTERVAL_MS, { keepsAlive: false });
  }

  /** Warns once for each cut. */
  private reportCut(why: string): void {
    if (this.#wasReported || this.#isClosed) return;
    this.#wasReported = true;
    const { disconnectedTtlMs } = this.#setup;
    this.warn(
      `is cut off from its fleet: ${why}. Changes are not heard; nothing is fresh for longer than ${disconnectedTtlMs} ms ` +
        'until the reconnect',
    );
  }

  private warn(text: string): void {
    this.#setup.warn(`${this.#setup.manager} ${text}.`);
  }
}
