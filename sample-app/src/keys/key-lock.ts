import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretsService, isSecretManagerError } from 'nestjs-custom-secret-manager';
import { keyIsChanging } from './key-errors';
import { KEY_RECORDS } from './key-records';

/** The age at which a claim is stale: no change takes as long, so its instance has died. */
const LONGEST_CHANGE_MS = 300_000;

interface Claim {
  /** The instance that changes the key. */
  readonly by: string;
  readonly at: number;
}

/**
 * Runs one change of a key at a time, among all instances. Each instance claims the key in the store with
 * `createOnly`. If the store ignores `createOnly`, the lock holds only within one instance.
 */
@Injectable()
export class KeyLock {
  readonly #instance = randomUUID();
  readonly #inFlight = new Set<string>();

  constructor(private readonly secrets: SecretsService) {}

  /** Runs a change while all these ids are locked. Rejects with 409 if another change of one of them is in flight. */
  async runAll<T>([id, ...others]: readonly string[], change: () => Promise<T>): Promise<T> {
    if (id === undefined) return await change();
    return await this.run(id, () => this.runAll(others, change));
  }

  /**
   * Runs a change while an id is locked. Rejects with 409 if another change of it is in flight.
   *
   * @param id the id of a key's record, or a token id
   */
  async run<T>(id: string, change: () => Promise<T>): Promise<T> {
    if (this.#inFlight.has(id)) throw keyIsChanging();
    this.#inFlight.add(id);
    try {
      await this.claim(id);
      return await change().finally(() => this.release(id));
    } finally {
      this.#inFlight.delete(id);
    }
  }

  private async claim(id: string): Promise<void> {
    const claim: Claim = { by: this.#instance, at: Date.now() };
    try {
      await this.secrets.set(nameOf(id), JSON.stringify(claim), { createOnly: true });
    } catch (error) {
      if (!isSecretManagerError(error) || error.code !== 'CONFLICT') throw error;
      if (!(await this.isStale(id))) throw keyIsChanging();
      await this.secrets.set(nameOf(id), JSON.stringify(claim));
    }
  }

  /** Tells whether a claim is stale. A claim of this instance always is: it remains only if its release failed. */
  private async isStale(id: string): Promise<boolean> {
    const options = { maxAgeMs: 0, fallback: 'never' } as const;
    const text = await this.secrets.get(nameOf(id), options);
    if (text === undefined) return false; // released since, and perhaps claimed again
    const { by, at } = JSON.parse(text) as Claim;
    return by === this.#instance || Date.now() - at > LONGEST_CHANGE_MS;
  }

  private async release(id: string): Promise<void> {
    await this.secrets.delete(nameOf(id), { recoveryWindowInDays: 0 }).catch(() => undefined);
  }
}

function nameOf(id: string): string {
  return `${KEY_RECORDS}changing/${id}`;
}
