import { pause } from '../core/calls/waiting';
import { SecretManagerError, isSecretManagerError } from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { backoffMs } from '../core/time/backoff';
import { setYoungest } from '../core/time/bounded-map';
import { now } from '../core/time/clock';
import { secretKey } from '../core/validation/params';
import type { Pipeline } from '../policies/policy';
import { makeSigningKey } from './key-tag';
import type { VirtualKeyCall } from './virtual-key-calls';
import { signingKeyName } from './virtual-key-names';

const PAUSES = { firstMs: 200, longestMs: 5_000 };
const RELOAD_INTERVAL_MS = 1_000;
/** The most stores of tenants that are remembered. */
const MAX_STORES = 1_000;

/** The signing keys of one store, newest first. */
interface StoreKeys {
  readonly keys: readonly string[];
  readonly triedAt: number;
}

/**
 * The keys that sign virtual keys, one for each store: `params` may name the store of a tenant. Each is created once,
 * with `createOnly`. The service keeps it in memory, together with its predecessor.
 */
export class SigningKeys {
  readonly #pipeline: Pipeline;
  readonly #name: string;
  readonly #stores = new Map<string, StoreKeys>();

  constructor(pipeline: Pipeline, prefix: string) {
    this.#pipeline = pipeline;
    this.#name = signingKeyName(prefix);
  }

  /** Returns the keys in memory. */
  loaded(call: VirtualKeyCall): readonly string[] {
    return this.storeOf(call).keys;
  }

  /** Reads the key in the background, at most once a second. */
  reload(call: VirtualKeyCall): void {
    if (now() - this.storeOf(call).triedAt < RELOAD_INTERVAL_MS) return;
    this.remember(call, { ...this.storeOf(call), triedAt: now() });
    this.read(call).catch(() => undefined); // the next call retries
  }

  /** Resolves to the key. Creates it if the store has none. */
  async obtain(call: VirtualKeyCall): Promise<string> {
    const [loaded] = this.loaded(call);
    if (loaded !== undefined) return loaded;
    for (let attempt = 1; ; attempt++) {
      const stored = await this.read(call);
      if (stored !== undefined) return stored;
      if (await this.make(call, DESCRIPTION)) continue;
      await pause(backoffMs(attempt, PAUSES), call.options, call); // another instance created it, and a replica may lag
    }
  }

  /**
   * Resolves to whether the store accepted a new key. The key is read back, because another instance may have created
   * one, too. A store that keeps no descriptions gets none.
   */
  private async make(call: VirtualKeyCall, description?: string): Promise<boolean> {
    const write = { ...call.options, description, createOnly: true };
    try {
      await this.#pipeline.writeSecret(this.#name, makeSigningKey(), write);
      return true;
    } catch (error) {
      if (!isSecretManagerError(error)) throw error;
      if (error.code === 'CONFLICT') return false;
      if (error.code !== 'UNSUPPORTED' || description === undefined) throw error;
      return await this.make(call);
    }
  }

  private async read(call: VirtualKeyCall): Promise<string | undefined> {
    const { options } = call;
    const reading = await this.#pipeline.readSecret(this.#name, { ...options, maxAgeMs: 0 });
    if (reading === undefined) return undefined;
    if (reading.value === '') throw empty(this.#name, call);
    const { keys, triedAt } = this.storeOf(call);
    if (reading.value !== keys[0]) {
      this.remember(call, { keys: [reading.value, ...keys.slice(0, 1)], triedAt });
    }
    return reading.value;
  }

  private storeOf({ options }: VirtualKeyCall): StoreKeys {
    return this.#stores.get(secretKey(this.#name, options.params)) ?? UNKNOWN_STORE;
  }

  private remember({ options }: VirtualKeyCall, store: StoreKeys): void {
    setYoungest(this.#stores, secretKey(this.#name, options.params), store, MAX_STORES);
  }
}

const UNKNOWN_STORE: StoreKeys = { keys: [], triedAt: -Infinity };
const DESCRIPTION = 'Signs the virtual keys that the application issues.';

function empty(name: string, call: VirtualKeyCall): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `${quoteName(name)} is empty, and signs nothing. Delete it: the next virtual key makes another.`,
    { ...call, secretName: name },
  );
}
