import { setYoungest } from '../../core/time/bounded-map';
import { PARAMS_MARK } from '../../core/validation/params';
import { Circuit, type CallVerdict, type CircuitState } from './circuit';

export interface CircuitBoardOptions {
  readonly failureThreshold: number;
  readonly resetAfterMs: number;
  /** `true` if all names are read from one secret, whose failures are those of the store. Default `false`. */
  readonly holdsOneSecret?: boolean;
  /** Called once when the circuit of the store opens, and once when it closes. */
  readonly onStateChange?: (state: 'open' | 'closed') => void;
}

/** The verdict on the call for one key. */
export type KeyVerdict = readonly [key: string, verdict: CallVerdict];

/** The circuits for which a call is the probe. */
export interface Probe {
  readonly ofStore: boolean;
  readonly ofKeys: ReadonlySet<string>;
}

export const NO_PROBE: Probe = { ofStore: false, ofKeys: new Set() };
/** The largest number of circuits of single keys. The oldest circuit makes room for a new one. */
const MAX_CIRCUITS = 1_000;

/**
 * One circuit for the store, and one for each secret that has failed lately. Failures of one name say nothing
 * about the others: a healthy Vault can have a broken database role.
 */
export class CircuitBoard {
  readonly #store: Circuit;
  readonly #ofKeys = new Map<string, Circuit>();
  readonly #options: CircuitBoardOptions;

  constructor(options: CircuitBoardOptions) {
    const { failureThreshold, resetAfterMs, holdsOneSecret = false } = options;
    this.#options = options;
    const minNames = failureThreshold === 1 || holdsOneSecret ? 1 : 2;
    this.#store = new Circuit({ failureThreshold, resetAfterMs, minNames });
  }

  get state(): CircuitState {
    return this.#store.state;
  }

  /** `true` if nothing has failed since the last answer, so that no call is refused. */
  get isQuiet(): boolean {
    return !this.#store.hasFailures && this.#ofKeys.size === 0;
  }

  /** The time for which every call is refused, in milliseconds; `undefined` if the store may be asked. */
  get refusedForMs(): number | undefined {
    return this.#store.refusedForMs;
  }

  /** Returns the time for which the calls for one key are refused, in milliseconds. */
  keyRefusedForMs(key: string): number | undefined {
    return this.#ofKeys.get(key)?.refusedForMs;
  }

  /** Admits a call that is not refused. Must be called before the store is asked. */
  admit(keys: readonly string[]): Probe {
    if (this.isQuiet) return NO_PROBE;
    return {
      ofStore: this.#store.admit(),
      ofKeys: new Set(keys.filter((key) => this.#ofKeys.get(key)?.admit())),
    };
  }

  record(verdicts: readonly KeyVerdict[], probe: Probe): void {
    for (const [key, verdict] of verdicts) {
      this.recordKey(key, verdict, probe.ofStore || probe.ofKeys.has(key));
    }
    const before = this.#store.state;
    const names = new Set(verdicts.map(([key]) => nameOf(key)));
    this.#store.record(storeVerdict(verdicts), names, probe.ofStore);
    if (before === 'closed' && this.#store.state === 'open') this.#options.onStateChange?.('open');
    if (before === 'closed' || this.#store.state !== 'closed') return;
    this.#ofKeys.clear(); // the failures were the store's
    this.#options.onStateChange?.('closed');
  }

  private recordKey(key: string, verdict: CallVerdict, isProbe: boolean): void {
    if (verdict.kind === 'answered') {
      this.#ofKeys.delete(key);
      return;
    }
    const circuit = this.#ofKeys.get(key) ?? this.add(key, verdict);
    circuit?.record(verdict, new Set([key]), isProbe);
  }

  private add(key: string, { kind }: CallVerdict): Circuit | undefined {
    if (kind !== 'failed') return undefined;
    const circuit = new Circuit({ ...this.#options, minNames: 1 });
    setYoungest(this.#ofKeys, key, circuit, MAX_CIRCUITS);
    return circuit;
  }
}

/**
 * Returns the verdict of a call on the store. One answered key counts as an answer. A failure needs the failure
 * of every key.
 */
function storeVerdict(verdicts: readonly KeyVerdict[]): CallVerdict {
  const all = verdicts.map(([, verdict]) => verdict);
  const spoken = all.filter(({ kind }) => kind !== 'silent');
  return (
    spoken.find(({ kind }) => kind === 'answered') ??
    spoken.find(({ kind }) => kind === 'paced') ??
    (spoken.length === all.length ? spoken[0] : undefined) ?? { kind: 'silent' }
  );
}

function nameOf(key: string): string {
  return key.split(PARAMS_MARK, 1)[0] ?? key;
}
