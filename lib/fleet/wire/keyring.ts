import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { now } from '../../core/time/clock';
import type { FleetKeySource } from '../fleet-options';
import { FleetKey, keyProblem } from './fleet-key';

/** The time for which messages are sent under the key before, too, in milliseconds. */
const OVERLAP_MS = 5 * 60_000;
const ASK_INTERVAL_MS = 1_000;

export interface KeyringOptions {
  readonly source: FleetKeySource;
  readonly fleetId: string;
  /** The name of the manager in errors. */
  readonly manager: string;
  readonly warn: (message: string) => void;
}

/** The keys of a fleet: the current one, and the one before for five minutes. */
export class Keyring {
  readonly #options: KeyringOptions;
  #text: string | undefined;
  #current: FleetKey | undefined;
  #previous: FleetKey | undefined;
  #previousUntil = 0;
  #askedAt = -Infinity;
  #isFailing = false;

  constructor(options: KeyringOptions) {
    this.#options = options;
  }

  /** The current key; `undefined` if its source has always failed. */
  get current(): FleetKey | undefined {
    return this.#current;
  }

  /** The keys under which messages are sent and accepted, the current one first. */
  get keys(): readonly FleetKey[] {
    if (this.#previous !== undefined && now() >= this.#previousUntil) this.#previous = undefined;
    return [this.#current, this.#previous].filter((key) => key !== undefined);
  }

  /** Asks for the key for the first time. Throws `MISCONFIGURED` for one that is no string, or too short. */
  open(): void {
    const answer = this.ask();
    if (answer === undefined) return;
    const problem = keyProblem(answer.key);
    if (problem !== undefined) throw this.misconfigured(problem);
    this.adopt(answer.key as string);
  }

  /** Asks for the key again, at most once a second. Returns whether it is another one. A failure keeps the last key. */
  refresh(): boolean {
    if (typeof this.#options.source === 'string') return false;
    if (now() - this.#askedAt < ASK_INTERVAL_MS) return false;
    const answer = this.ask();
    if (answer === undefined) return false;
    const problem = keyProblem(answer.key);
    if (problem !== undefined) {
      this.warnOnce(`gave a key that ${problem}`);
      return false;
    }
    this.#isFailing = false;
    if (answer.key === this.#text) return false;
    this.adopt(answer.key as string);
    return true;
  }

  /** Returns what the source gives, or `undefined` if it throws. */
  private ask(): { readonly key: unknown } | undefined {
    const { source } = this.#options;
    this.#askedAt = now();
    try {
      if (typeof source === 'string') return { key: source };
      const key: unknown = typeof source === 'function' ? source() : source.reveal();
      Promise.resolve(key).catch(() => undefined); // a promise is refused, and must not end the process
      return { key };
    } catch {
      this.warnOnce('failed'); // its error may hold the key
      return undefined;
    }
  }

  private adopt(key: string): void {
    this.#previous = this.#current;
    this.#previousUntil = now() + OVERLAP_MS;
    this.#text = key;
    this.#current = new FleetKey(key, this.#options.fleetId);
  }

  private warnOnce(what: string): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const kept = this.#current
      ? 'The last key stays in use'
      : 'Changes are not announced until then';
    this.#options.warn(
      `${this.#options.manager}: the source of the fleet's key ${what}. ${kept}; it is asked again.`,
    );
  }

  private misconfigured(problem: string): SecretManagerError {
    return new SecretManagerError('MISCONFIGURED', `The option fleet.key ${problem}.`, {
      manager: this.#options.manager,
      operation: 'forRoot',
    });
  }
}
