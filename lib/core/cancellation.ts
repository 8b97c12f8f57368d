import { setMaxListeners } from 'node:events';
import { SecretManagerError, type OperationContext } from './secret-manager.error';
import type { OperationOptions } from './custom-secret-manager';

type Listener = (reason: SecretManagerError) => void;

/**
 * Ends a call early: at most once, and with a reason. It costs an `AbortSignal` only where somebody reads `signal`, which
 * a manager with a deadline of its own never does.
 */
export class Cancellation {
  #reason: SecretManagerError | undefined;
  #controller: AbortController | undefined;
  readonly #listeners = new Set<Listener>();

  get reason(): SecretManagerError | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      setMaxListeners(Infinity, this.#controller.signal); // a batch is many requests that listen to one signal
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  cancel(reason: SecretManagerError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (const listener of this.#listeners) listener(reason);
    this.#listeners.clear();
  }

  /** To be called when the call has ended by itself: it holds nobody any more. */
  release(): void {
    this.#listeners.clear();
  }

  /** Calls back once, at once if it is too late. Returns what takes the listener off again. */
  onCancel(listener: Listener): () => void {
    if (this.#reason !== undefined) listener(this.#reason);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Carries a call's {@link Cancellation} from policy to policy; no manager of a user gets to see it. */
export const CANCELLATION: unique symbol = Symbol('cancellation');

/**
 * How hard a call is to be tried. `single`: the retry does not repeat it, because it is a probe, or because the cache spaces
 * its refreshes by itself. `unguarded`: the circuit breaker neither stops nor counts it either, because the start repeats
 * everything as one unit.
 */
export const EFFORT: unique symbol = Symbol('effort');

/** The options of a call inside the pipeline. */
export interface CallOptions extends OperationOptions {
  readonly [CANCELLATION]?: Cancellation;
  readonly [EFFORT]?: 'single' | 'unguarded';
  /** How old an answer may be at most; 0 asks the store, and a failure is not answered from the cache. */
  readonly maxAgeMs?: number;
}

/** The same call, to be tried once. What its options tell of the moment, they go on telling. */
export function triedOnce(options: CallOptions): CallOptions {
  const once = Object.create(options) as CallOptions;
  return Object.defineProperty(once, EFFORT, { value: 'single' });
}

/** Calls back once when the call that has these options ends early. Returns what takes the listener off again. */
export function onCancelled(
  options: CallOptions,
  context: OperationContext,
  listener: Listener,
): () => void {
  const cancellation = options[CANCELLATION];
  if (cancellation !== undefined) return cancellation.onCancel(listener);
  const { signal } = options;
  if (signal === undefined) return () => undefined;
  const onAbort = (): void => listener(cancelled(context));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

export function cancelled(context: OperationContext): SecretManagerError {
  return new SecretManagerError('CANCELLED', 'The caller ended the call.', context);
}

export function shuttingDown(context: OperationContext): SecretManagerError {
  return new SecretManagerError('CANCELLED', `${context.manager} is shutting down.`, context);
}

export function closed(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'UNAVAILABLE',
    `${context.manager} was closed when its application shut down.`,
    context,
  );
}
