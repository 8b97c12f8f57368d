import { types } from 'node:util';
import { quoteName } from '../../core/errors/wording';
import type { FleetKey } from './fleet-key';
import { fleetDigest } from './fleet-key';
import type { Keyring } from './keyring';
import { decodeMessage, isAuthentic, isOfFleet, type FleetMessage } from './message';
import { SequenceTracker } from './sequence-tracker';

/** The largest difference of clocks, and age of a message, in milliseconds. */
const CLOCK_TOLERANCE_MS = 60_000;
/** The most origins whose clock is reported. */
const MAX_REPORTED = 100;
/** The messages in a row that no key fits before they are reported. During a rotation each second one fits. */
const UNFIT_IN_A_ROW = 10;

export interface MessageCheckOptions {
  readonly fleetId: string;
  readonly ownOrigin: string;
  readonly keyring: Keyring;
  /** The name of the manager in warnings. */
  readonly manager: string;
  readonly warn: (message: string) => void;
}

/** An accepted message. */
export interface AcceptedMessage {
  readonly message: FleetMessage;
  /** The key that its sender has used. */
  readonly key: FleetKey;
  /** `true` for a message of this instance that came back. */
  readonly isOwn: boolean;
  /** `true` if a message before this one was lost. */
  readonly isAfterGap: boolean;
}

/** Decides which messages count. Everything else is dropped and counted. */
export class MessageCheck {
  readonly #options: MessageCheckOptions;
  readonly #fleet: Buffer;
  readonly #sequences = new SequenceTracker();
  readonly #reportedClocks = new Set<string>();
  /** The messages that no key fits since the last accepted one of another instance. */
  #unfit = 0;
  #hasReportedKey = false;
  #received = 0;
  #refused = 0;

  constructor(options: MessageCheckOptions) {
    this.#options = options;
    this.#fleet = fleetDigest(options.fleetId);
  }

  get received(): number {
    return this.#received;
  }

  get refused(): number {
    return this.#refused;
  }

  /** Takes note of a new subscription. */
  subscribed(): void {
    this.#sequences.subscribed();
  }

  /** Returns the message, or `undefined` for one that is dropped. */
  accept(bytes: unknown): AcceptedMessage | undefined {
    const accepted = types.isUint8Array(bytes) ? this.judge(bytes) : undefined;
    if (accepted === undefined) this.#refused += 1;
    else if (!accepted.isOwn) {
      this.#received += 1;
      this.#unfit = 0;
    }
    return accepted;
  }

  private judge(bytes: Uint8Array): AcceptedMessage | undefined {
    if (!isOfFleet(bytes, this.#fleet)) return undefined;
    const key = this.keyOf(bytes);
    if (key === undefined) {
      this.reportUnfit();
      return undefined;
    }
    const message = decodeMessage(bytes);
    if (message === undefined || !this.isInTime(message)) return undefined;
    const isOwn = message.origin === this.#options.ownOrigin;
    if (isOwn) return { message, key, isOwn, isAfterGap: false };
    const verdict = this.#sequences.judge(message);
    return verdict === 'seen' ? undefined : { message, key, isOwn, isAfterGap: verdict === 'gap' };
  }

  /** Returns the key that fits. If none does, the source of the key is asked again. */
  private keyOf(bytes: Uint8Array): FleetKey | undefined {
    const { keyring } = this.#options;
    const fitting = (): FleetKey | undefined => keyring.keys.find((key) => isAuthentic(bytes, key));
    return fitting() ?? (keyring.refresh() ? fitting() : undefined);
  }

  /** Warns once of a fleet with two keys: its instances count as connected, and do not hear each other. */
  private reportUnfit(): void {
    this.#unfit += 1;
    if (this.#unfit < UNFIT_IN_A_ROW || this.#hasReportedKey) return;
    this.#hasReportedKey = true;
    const { manager, fleetId, warn } = this.#options;
    warn(
      `${manager} drops messages of its fleet ${quoteName(fleetId)} that its \`fleet.key\` does not fit. Give all ` +
        'instances of an application the same key, and each application a `fleet.id` of its own.',
    );
  }

  private isInTime({ time, origin }: FleetMessage): boolean {
    const differenceMs = Date.now() - time;
    if (Math.abs(differenceMs) <= CLOCK_TOLERANCE_MS) return true;
    if (!this.#reportedClocks.has(origin) && this.#reportedClocks.size < MAX_REPORTED) {
      this.#reportedClocks.add(origin);
      const seconds = Math.round(Math.abs(differenceMs) / 1_000);
      this.#options.warn(
        `${this.#options.manager}: a message of the fleet was dropped, because it is ${seconds} s ` +
          `${differenceMs > 0 ? 'old' : 'ahead'}. Synchronise the clocks of the instances.`,
      );
    }
    return false;
  }
}
