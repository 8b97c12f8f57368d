import { AsyncResource } from 'node:async_hooks';
import type { SecretChange, SecretChangeListener } from '../../core/contract/secret-change';
import { errorName } from '../../core/errors/error-table';
import type { OperationContext } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';

interface Subscription {
  readonly listener: SecretChangeListener;
}

interface Round {
  readonly change: SecretChange;
  /** The subscriptions at the time of the change. */
  readonly subscriptions: readonly Subscription[];
}

/**
 * The listeners of one secret. Each change is delivered to all of them, one after the other, before the next
 * change. They run outside the context of the request that found the change.
 */
export class Subscriptions {
  readonly #context: OperationContext;
  readonly #warn: (message: string) => void;
  readonly #subscriptions = new Set<Subscription>();
  readonly #pending: Round[] = [];
  readonly #outsideRequests = new AsyncResource('SecretChange');
  #isDelivering = false;

  constructor(context: OperationContext, warn: (message: string) => void) {
    this.#context = context;
    this.#warn = warn;
  }

  get isEmpty(): boolean {
    return this.#subscriptions.size === 0;
  }

  add(listener: SecretChangeListener): Subscription {
    const subscription = { listener };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  delete(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
  }

  /** Delivers the change, after the one that is being delivered. A listener may cause a change. */
  deliver(change: SecretChange): void {
    this.#pending.push({ change, subscriptions: [...this.#subscriptions] });
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let round = this.#pending.shift(); round; round = this.#pending.shift()) {
      for (const subscription of round.subscriptions) {
        if (this.#subscriptions.has(subscription)) this.call(subscription, round.change);
      }
    }
    this.#isDelivering = false;
  }

  private call({ listener }: Subscription, change: SecretChange): void {
    try {
      const result: unknown = this.#outsideRequests.runInAsyncScope(() => listener(change));
      Promise.resolve(result).catch((error: unknown) => this.report(error));
    } catch (error) {
      this.report(error);
    }
  }

  private report(error: unknown): void {
    const { manager, secretName } = this.#context;
    const name = errorName(error) ?? 'an error';
    this.#warn(
      `A listener to changes of ${quoteName(secretName)} of ${manager} failed with ${name}.`,
    );
  }
}
