import { CANCELLATION, type CallOptions, type Cancellation } from './cancellation';

/** The options that a manager receives. The signal is created on the first access. */
export class ManagerOptions implements CallOptions {
  readonly #cancellation: Cancellation;

  constructor(
    readonly params: CallOptions['params'],
    readonly timeoutMs: number,
    cancellation: Cancellation,
  ) {
    this.#cancellation = cancellation;
  }

  get signal(): AbortSignal {
    return this.#cancellation.signal;
  }

  get [CANCELLATION](): Cancellation {
    return this.#cancellation;
  }
}

/**
 * Makes `signal` an own enumerable property, so that it survives `{ ...options }`, a proxy and inheritance.
 *
 * All objects share one getter, because a getter each would give every object another hidden class. Defining
 * the property still takes 1 µs.
 */
export function defineOwnSignal<Options extends CallOptions | undefined>(
  options: Options,
): Options {
  if (!(options instanceof ManagerOptions)) return options;
  Object.defineProperty(options, CANCELLATION, { value: options[CANCELLATION] });
  return Object.defineProperty(options, 'signal', OWN_SIGNAL);
}

const OWN_SIGNAL: PropertyDescriptor & ThisType<ManagerOptions> = {
  enumerable: true,
  get() {
    return this[CANCELLATION].signal;
  },
};
