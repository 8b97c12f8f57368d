import { randomBytes } from 'node:crypto';
import { settledWithin } from '../../core/calls/waiting';
import type { FleetStatus } from '../../core/contract/fleet-status';
import { translateError } from '../../core/errors/error-table';
import { BackgroundTimer } from '../../core/time/background-timer';
import { now } from '../../core/time/clock';
import { nextTurn } from '../../core/time/event-loop-turns';
import type { Announcement, Announcer } from '../../policies/writes/announcements';
import { NameIndex } from '../name-index';
import { Sender } from '../sending/sender';
import { MessageCheck } from '../wire/message-check';
import { DIGEST_BYTES, fleetDigest } from '../wire/fleet-key';
import { Keyring } from '../wire/keyring';
import { CutWarnings } from './cut-warnings';
import type { FleetSetup } from './fleet-setup';
import { HeardChanges } from './heard-changes';
import { Heartbeat } from './heartbeat';
import { Resync } from './resync';
import { Subscription } from './subscription';

/** The longest time for which a start waits for the broker, in milliseconds. */
const START_TIMEOUT_MS = 2_000;
/** The longest time for which a shutdown waits for pending announcements, then for the transport, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;
/** The time after which a missing key is asked for again, in milliseconds. */
const KEY_INTERVAL_MS = 1_000;

/**
 * One instance of a fleet. It announces its changes, and applies those of the others.
 *
 * There is no journal. After a cut, and after a lost message, everything cached expires softly: the store is the
 * journal.
 */
export class Fleet implements Announcer {
  readonly #setup: FleetSetup;
  readonly #keyring: Keyring;
  readonly #names: NameIndex;
  readonly #check: MessageCheck;
  readonly #sender: Sender;
  readonly #heartbeat: Heartbeat;
  readonly #subscription: Subscription;
  readonly #resync: Resync;
  readonly #heard: HeardChanges;
  readonly #warnings: CutWarnings;
  #state: 'connected' | 'cut' = 'cut';
  #since = now();
  /** `true` while the broker has confirmed the subscription, as far as the transport knows. */
  #isSubscribed = false;
  /** `true` after a silent cut, until something is heard. */
  #isInDoubt = false;
  /** `true` until the first secret may be read. Nothing is cached before. */
  #isStarting = true;
  #isClosed = false;
  #onConnected = (): void => undefined;
  readonly #keyTimer = new BackgroundTimer();

  constructor(setup: FleetSetup) {
    const { id, key, manager, warn, transport, changes, disconnectedTtlMs, spreadMs } = setup;
    this.#setup = setup;
    const origin = randomBytes(DIGEST_BYTES).toString('latin1');
    const keyring = new Keyring({ source: key, fleetId: id, manager, warn });
    this.#keyring = keyring;
    this.#names = new NameIndex(() => changes.heldNames());
    this.#check = new MessageCheck({ fleetId: id, ownOrigin: origin, keyring, manager, warn });
    this.#sender = new Sender({
      transport,
      fleet: fleetDigest(id),
      origin,
      keyring,
      names: this.#names,
      manager,
      warn,
      onAnnouncement: () => this.#heartbeat.announced(),
    });
    this.#heartbeat = new Heartbeat(disconnectedTtlMs, {
      due: () => this.beat(),
      silent: () => this.onSilence(),
    });
    this.#resync = new Resync(() => changes.expire(undefined, { source: 'fleet', spreadMs }));
    this.#heard = new HeardChanges({ changes, names: this.#names, resync: this.#resync, spreadMs });
    this.#warnings = new CutWarnings({ manager, disconnectedTtlMs, warn });
    this.#subscription = new Subscription(transport, {
      message: (bytes) => this.receive(bytes),
      connected: () => this.onSubscribed(),
      disconnected: () => this.lose('the connection to the broker is lost'),
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
      received: this.#check.received,
      refused: this.#check.refused,
      published: this.#sender.published,
      pending: this.#sender.pending,
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
    this.#sender.announce(announcement);
    const isConnected = this.#state === 'connected';
    if (!isConnected) this.reportCut('changes wait for the reconnect');
    return isConnected && !this.#sender.isMute;
  }

  remember(secretName: string): void {
    this.#names.add(secretName);
  }

  /**
   * Publishes what is pending, and unsubscribes. The pipeline closes at the same time, and cancels its writes: their
   * announcements still count. Never rejects.
   */
  async close(): Promise<void> {
    await nextTurn();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onConnected();
    this.#keyTimer.stop();
    this.#heartbeat.stop();
    this.#resync.stop();
    await settledWithin(CLOSE_TIMEOUT_MS, this.#sender.finish());
    this.enter('cut');
    await settledWithin(CLOSE_TIMEOUT_MS, this.#subscription.close());
  }

  private receive(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const accepted = this.#check.accept(bytes);
    if (accepted === undefined) return;
    this.#heartbeat.heard();
    this.#isInDoubt = false;
    if (this.#state === 'cut' && this.#isSubscribed) this.connect();
    if (accepted.isOwn) {
      this.#sender.cameBack(accepted.message.sequence);
      return;
    }
    this.#sender.heardAnother();
    this.#heard.apply(accepted);
  }

  private onSubscribed(): void {
    if (this.#isClosed) return;
    this.#isSubscribed = true;
    this.#check.subscribed();
    this.#sender.subscribed();
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
    this.#sender.open();
    if (wasCut) this.#warnings.onReconnect();
    this.#onConnected();
  }

  private onSilence(): void {
    this.#isInDoubt = true;
    this.#isSubscribed = false;
    this.cut(`nothing was heard for the time of three heartbeats${this.#sender.reasonOfSilence}`);
    this.#subscription.start();
  }

  /** Reports by class and code. The text of the error may hold the address with its password. */
  private onRefused(error: unknown): void {
    const { code } = translateError(error, { manager: this.#setup.manager, operation: 'fleet' });
    this.lose(`the broker refused the subscription (${code}). Check its address and the login`);
  }

  private lose(why: string): void {
    this.#isSubscribed = false;
    this.#isInDoubt = false;
    this.#heartbeat.stop();
    this.cut(why);
  }

  private cut(why: string): void {
    if (this.#isClosed) return;
    this.enter('cut');
    this.#sender.close();
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
    this.#sender.heartbeat();
  }

  /** Connects when the source of the key works. */
  private awaitKey(): void {
    this.#keyTimer.set(() => {
      this.#keyring.refresh();
      if (this.#isSubscribed) this.connect();
    }, KEY_INTERVAL_MS);
  }

  /** Warns once for each cut, unless this instance shuts down. */
  private reportCut(why: string): void {
    if (!this.#isClosed) this.#warnings.onCut(why);
  }
}
