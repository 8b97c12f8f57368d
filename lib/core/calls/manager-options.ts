import { CANCELLATION, type CallOptions, type Cancellation } from './cancellation';

/** What a manager is handed. Its signal is made when it is first read. */
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
 * Has what is made of them keep the signal: a spread, a proxy, what inherits from them. The getter is one for all, because an
 * accessor of its own would give each object another hidden class; to define it takes 1 us all the same.
 */
export function ownSignal<Options extends CallOptions | undefined>(options: Options): Options {
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
