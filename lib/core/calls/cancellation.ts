import { setMaxListeners } from 'node:events';
import type { OperationOptions } from '../contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';

/** A call or a timer that can be cancelled. */
export interface Cancellable {
  cancel(reason: SecretManagerError): void;
}

/**
 * Cancels a call and everything that was started for it, once and with a reason.
 *
 * The `AbortSignal` is created on the first access to `signal`. A manager with a deadline of its own never
 * needs it.
 */
export class Cancellation implements Cancellable {
  #reason: SecretManagerError | undefined;
  #controller: AbortController | undefined;
  /** The first child. Usually there is only one, and a `Set` of one would cost more than the rest. */
  #firstChild: Cancellable | undefined;
  #otherChildren: Set<Cancellable> | undefined;

  get reason(): SecretManagerError | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      setMaxListeners(Infinity, this.#controller.signal); // all requests of a batch listen to one signal
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  cancel(reason: SecretManagerError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    const first = this.#firstChild;
    this.#firstChild = undefined;
    first?.cancel(reason);
    for (const child of this.#otherChildren ?? []) child.cancel(reason);
    this.#otherChildren?.clear();
  }

  /** Cancels the child together with this call, or at once if this call was cancelled before. */
  add(child: Cancellable): void {
    if (this.#reason !== undefined) child.cancel(this.#reason);
    else if (this.#firstChild === undefined) this.#firstChild = child;
    else (this.#otherChildren ??= new Set()).add(child);
  }

  /** Removes a child that has ended. */
  remove(child: Cancellable): void {
    if (this.#firstChild === child) this.#firstChild = undefined;
    else this.#otherChildren?.delete(child);
  }
}

/**
 * The key under which a call's {@link Cancellation} passes from policy to policy. A user's manager never sees
 * it.
 */
export const CANCELLATION: unique symbol = Symbol('cancellation');

/**
 * The key under which a manager names its class if its calls end by {@link CANCELLATION}, and need no signal.
 */
export const ENDS_BY_CANCELLATION: unique symbol = Symbol('ends by cancellation');

/**
 * Returns whether a manager needs no signal. Returns `false` for a subclass, which may pass its options on in
 * another way.
 */
export function endsByCancellation(manager: object): boolean {
  return Reflect.get(manager, ENDS_BY_CANCELLATION) === manager.constructor;
}

/**
 * The retries that a call allows.
 *
 * `single`: no retry, because the call is a probe, or because the cache spaces its refreshes.
 * `overtaken`: no retry, because a write has outdated the answer.
 * `unguarded`: no retry and no circuit breaker, because the start retries all its reads as one unit.
 */
export const ATTEMPTS: unique symbol = Symbol('attempts');

/** Set for a write that replaces a credential at once: no instance may accept the old one any more. */
export const REVOKES: unique symbol = Symbol('revokes');

/** The options of a call inside the pipeline. */
export interface CallOptions extends OperationOptions {
  readonly [CANCELLATION]?: Cancellation;
  readonly [ATTEMPTS]?: 'single' | 'overtaken' | 'unguarded';
  readonly [REVOKES]?: boolean;
  /** The largest age of an answer. 0 asks the store, and a failure is not answered from the cache. */
  readonly maxAgeMs?: number;
  /** The largest age of an answer if the store cannot be asked. 0 throws every failure. */
  readonly staleIfErrorMs?: number;
}

/** Returns the options of the same call, limited to one attempt. Computed properties stay computed. */
export function singleAttempt(options: CallOptions): CallOptions {
  const once = Object.create(options) as CallOptions;
  return Object.defineProperty(once, ATTEMPTS, { value: 'single' });
}

/** The source of a cancellation. A child that has ended is removed from it. */
export interface CancellationSource {
  remove(child: Cancellable): void;
}

/** Cancels `child` when the call with these options is cancelled, or at once if that has happened. */
export function cancelWith(
  options: CallOptions,
  context: OperationContext,
  child: Cancellable,
): CancellationSource | undefined {
  const cancellation = options[CANCELLATION];
  cancellation?.add(child);
  return cancellation ?? cancelWithSignal(options.signal, context, child);
}

function cancelWithSignal(
  signal: AbortSignal | undefined,
  context: OperationContext,
  child: Cancellable,
): CancellationSource | undefined {
  if (signal === undefined) return undefined;
  const cancel = (): void => child.cancel(cancelled(context));
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

/** Returns the error of a call of a manager that was closed. */
export function managerClosed(context: OperationContext): SecretManagerError {
  return new SecretManagerError('UNAVAILABLE', 'The manager was closed.', context);
}

/** Returns the error of a call after the shutdown. A retry cannot help. */
export function closed(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'UNAVAILABLE',
    `${context.manager} was closed when its application shut down.`,
    { ...context, retryable: false },
  );
}
