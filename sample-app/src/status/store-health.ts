import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult } from '@nestjs/terminus';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { SharedAnswer } from '../http/shared-answer';

const TIMEOUT_MS = 2_000;

/** The health of the store, shared by all callers. The store is asked once a second at most. */
@Injectable()
export class StoreHealth {
  readonly #shared: SharedAnswer<HealthIndicatorResult[string] | undefined>;

  constructor(indicator: SecretManagerHealthIndicator) {
    const ask = async (): Promise<HealthIndicatorResult[string] | undefined> => {
      const { store } = await indicator.isHealthy('store', { timeoutMs: TIMEOUT_MS });
      return store;
    };
    this.#shared = new SharedAnswer(ask, { lastsMs: 1_000 });
  }

  /** Resolves to the entry for Terminus under the key. */
  async check(key: string): Promise<HealthIndicatorResult> {
    const result = await this.get();
    return result === undefined ? {} : { [key]: result };
  }

  get(): Promise<HealthIndicatorResult[string] | undefined> {
    return this.#shared.get();
  }
}
