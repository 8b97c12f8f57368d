import type { CallOptions } from '../core/calls/cancellation';
import { now } from '../core/time/clock';
import { RecentMap } from '../core/time/recent-map';
import { secretKey } from '../core/validation/params';
import type { Pipeline } from '../policies/policy';
import { digestOf, isSameDigest } from './key-digest';
import { isStillValid } from './overlap-record';
import type { VirtualKeyCall } from './virtual-key-calls';
import { previousName } from './virtual-key-names';

const RECHECK_INTERVAL_MS = 1_000;

/** Compares candidates with stored keys, and with replaced keys that still overlap. */
export class KeyVerification {
  readonly #pipeline: Pipeline;
  readonly #prefix: string;
  /** The keys that were checked again, because a candidate did not match. */
  readonly #rechecked = new RecentMap(RECHECK_INTERVAL_MS, { now });

  constructor(pipeline: Pipeline, prefix: string) {
    this.#pipeline = pipeline;
    this.#prefix = prefix;
  }

  /** Resolves to whether the candidate matches. Asks the store after a mismatch, at most once a second. */
  async verify(call: VirtualKeyCall, candidate: string, aged: CallOptions): Promise<boolean> {
    const isMatch = await this.matches(call, candidate, aged);
    if (isMatch !== false || !this.isRecheckDue(secretKey(call.secretName, call.options.params)))
      return isMatch ?? false;
    const recheck = this.matches(call, candidate, { ...call.options, maxAgeMs: 0 });
    return (await recheck.catch(() => false)) ?? false; // what is cached stands, within its bounds
  }

  /** Tells whether a candidate matches. Resolves to `undefined` if the key is missing. */
  private async matches(
    call: VirtualKeyCall,
    candidate: string,
    options: CallOptions,
  ): Promise<boolean | undefined> {
    const stored = await this.#pipeline.readSecret(call.secretName, options);
    if (stored === undefined) return undefined;
    const [digest, current] = [digestOf(candidate), digestOf(stored.value)];
    if (isSameDigest(digest, current)) return true;
    const record = await this.#pipeline.readSecret(
      previousName(this.#prefix, call.secretName),
      options,
    );
    return isStillValid(record?.value, digest, current);
  }

  private isRecheckDue(key: string): boolean {
    if (this.#rechecked.get(key) !== undefined) return false;
    this.#rechecked.set(key, { at: now() });
    return true;
  }
}
