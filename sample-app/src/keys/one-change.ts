import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SecretsService, isSecretManagerError } from 'nestjs-custom-secret-manager';
import { keyIsChanging } from './key-errors';
import { KEY_RECORDS } from './key-records';

/** Longer than any change takes: who claims a key for so long has died. */
const LONGEST_CHANGE_MS = 300_000;

interface Claim {
  /** The instance that changes the key. */
  readonly by: string;
  readonly at: number;
}

/**
 * Lets one change of a key happen at a time, among all instances: each claims the key in the store with `createOnly`. On a store
 * that knows nothing of `createOnly` it holds within one instance only.
 */
@Injectable()
export class OneChange {
  readonly #instance = randomUUID();
  readonly #inFlight = new Set<string>();

  constructor(private readonly secrets: SecretsService) {}

  /** As {@link of}, for all of these ids: of a key's record, or token ids. */
  async ofAll<T>([id, ...others]: readonly string[], change: () => Promise<T>): Promise<T> {
    if (id === undefined) return await change();
    return await this.of(id, () => this.ofAll(others, change));
  }

  /** Rejects with 409 if the key is being changed. */
  async of<T>(id: string, change: () => Promise<T>): Promise<T> {
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
      if (!(await this.isLeftOver(id))) throw keyIsChanging();
      await this.secrets.set(nameOf(id), JSON.stringify(claim));
    }
  }

  /** A claim that could not be released does not keep its own instance from trying again. */
  private async isLeftOver(id: string): Promise<boolean> {
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
