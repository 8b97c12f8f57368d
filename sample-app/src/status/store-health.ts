import { Injectable, Logger } from '@nestjs/common';
import { type HealthIndicatorResult } from '@nestjs/terminus';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { SharedAnswer } from '../http/shared-answer';

const TIMEOUT_MS = 2_000;

/**
 * The health of the store, shared by all callers. The store is asked at most once a second. Each change of the state is
 * logged.
 */
@Injectable()
export class StoreHealth {
  readonly #logger = new Logger('Gateway');
  #isUp = true;
  readonly #shared: SharedAnswer<HealthIndicatorResult[string] | undefined>;

  constructor(indicator: SecretManagerHealthIndicator) {
    const ask = async (): Promise<HealthIndicatorResult[string] | undefined> => {
      const { store } = await indicator.isHealthy('store', { timeoutMs: TIMEOUT_MS });
      this.logChange(store);
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

  private logChange(store: HealthIndicatorResult[string] | undefined): void {
    const isUp = store?.status !== 'down';
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    if (isUp) this.#logger.log('The health check found the store up again.');
    else this.#logger.warn(`The health check found the store down: ${String(store?.code)}.`);
  }
}
