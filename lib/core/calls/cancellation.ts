import { setMaxListeners } from 'node:events';
import type { OperationOptions } from '../contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';

/** What can be ended early. */
export interface Cancellable {
  cancel(reason: SecretManagerError): void;
}

/**
 * Ends a call early, and what was begun for it: at most once, and with a reason. It costs an `AbortSignal` only where somebody
 * reads `signal`, which a manager with a deadline of its own never does.
 */
export class Cancellation implements Cancellable {
  #reason: SecretManagerError | undefined;
  #controller: AbortController | undefined;
  /** Mostly there is one: a Set of one would cost more than the rest. */
  #begun: Cancellable | undefined;
  #begunToo: Set<Cancellable> | undefined;

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
    const first = this.#begun;
    this.#begun = undefined;
    first?.cancel(reason);
    for (const begun of this.#begunToo ?? []) begun.cancel(reason);
    this.#begunToo?.clear();
  }

  /** Has it cancelled with this, at once if it is too late. */
  add(begun: Cancellable): void {
    if (this.#reason !== undefined) begun.cancel(this.#reason);
    else if (this.#begun === undefined) this.#begun = begun;
    else (this.#begunToo ??= new Set()).add(begun);
  }

  /** It has ended by itself. */
  remove(ended: Cancellable): void {
    if (this.#begun === ended) this.#begun = undefined;
    else this.#begunToo?.delete(ended);
  }
}

/** Carries a call's {@link Cancellation} from policy to policy; no manager of a user gets to see it. */
export const CANCELLATION: unique symbol = Symbol('cancellation');

/** Under it a manager that ends its calls by their {@link CANCELLATION}, and needs no signal, has its class. */
export const ENDS_BY_CANCELLATION: unique symbol = Symbol('ends by cancellation');

/** Not so for a class that extends such a one: it may hand on what it is handed in its own way. */
export function endsByCancellation(manager: object): boolean {
  return Reflect.get(manager, ENDS_BY_CANCELLATION) === manager.constructor;
}

/**
 * How hard a call is to be tried. `single`: the retry does not repeat it, because it is a probe, or because the cache spaces
 * its refreshes by itself. `overtaken`: nothing repeats it, because a write has made its answer old. `unguarded`: the circuit
 * breaker neither stops nor counts it either, because the start repeats everything as one unit.
 */
export const ATTEMPTS: unique symbol = Symbol('attempts');

/** The options of a call inside the pipeline. */
export interface CallOptions extends OperationOptions {
  readonly [CANCELLATION]?: Cancellation;
  readonly [ATTEMPTS]?: 'single' | 'overtaken' | 'unguarded';
  /** How old an answer may be at most; 0 asks the store, and a failure is not answered from the cache. */
  readonly maxAgeMs?: number;
  /** How old an answer may be if the store cannot be asked; 0: a failure is thrown. */
  readonly staleIfErrorMs?: number;
}

/** The same call, to be tried once. What its options tell of the moment, they go on telling. */
export function triedOnce(options: CallOptions): CallOptions {
  const once = Object.create(options) as CallOptions;
  return Object.defineProperty(once, ATTEMPTS, { value: 'single' });
}

/** Where something is to be taken off again that has ended by itself. */
export interface CancellationSource {
  remove(ended: Cancellable): void;
}

/** Has something cancelled when the call that has these options ends early, at once if it has. */
export function cancelWith(
  options: CallOptions,
  context: OperationContext,
  begun: Cancellable,
): CancellationSource | undefined {
  const cancellation = options[CANCELLATION];
  cancellation?.add(begun);
  return cancellation ?? cancelWithSignal(options.signal, context, begun);
}

function cancelWithSignal(
  signal: AbortSignal | undefined,
  context: OperationContext,
  begun: Cancellable,
): CancellationSource | undefined {
  if (signal === undefined) return undefined;
  const cancel = (): void => begun.cancel(cancelled(context));
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  return { remove: () => signal.removeEventListener('abort', cancel) };
}

export function cancelled(context: OperationContext): SecretManagerError {
  return new SecretManagerError('CANCELLED', 'The caller ended the call.', context);
}

export function shuttingDown(context: OperationContext): SecretManagerError {
  return new SecretManagerError('CANCELLED', `${context.manager} is shutting down.`, context);
}

/** Returns the error of a call that comes after the shutdown. A retry cannot help. */
export function closed(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'UNAVAILABLE',
    `${context.manager} was closed when its application shut down.`,
    { ...context, retryable: false },
  );
}
