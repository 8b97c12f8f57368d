import { AsyncResource } from 'node:async_hooks';
import type { SecretChange, SecretChangeListener } from '../../core/contract/secret-change';
import { errorName } from '../../core/errors/error-table';
import type { OperationContext } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';

interface Subscription {
  readonly listener: SecretChangeListener;
}

/** Runs a function in the context of the import, outside of any request. */
const runOutsideRequests = AsyncResource.bind((run: () => void) => run());

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

  /** Takes a change for the present subscriptions. `deliver` delivers it. */
  queue(change: SecretChange): void {
    this.#pending.push({ change, subscriptions: [...this.#subscriptions] });
  }

  /** Delivers the changes in their order. A listener may cause a change, which waits for its turn. */
  deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let round = this.#pending.shift(); round; round = this.#pending.shift()) {
      for (const subscription of round.subscriptions) {
        if (this.#subscriptions.has(subscription)) this.call(subscription, round.change);
      }
    }
    this.#isDelivering = false;
  }

  /** Each listener gets a copy, so that none can change what the next one gets. */
  private call({ listener }: Subscription, change: SecretChange): void {
    const copy = { ...change, at: new Date(change.at) };
    runOutsideRequests(() => {
      try {
        const result: unknown = listener(copy);
        new Promise((resolve) => resolve(result)).catch((error: unknown) => this.report(error));
      } catch (error) {
        this.report(error);
      }
    });
  }

  private report(error: unknown): void {
    const { manager, secretName } = this.#context;
    const name = errorName(error) ?? 'an error';
    this.#warn(
      `A listener to changes of ${quoteName(secretName)} of ${manager} failed with ${name}.`,
    );
  }
}
