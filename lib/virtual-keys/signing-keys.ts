import { now } from '../core/clock';
import { secretKey } from '../core/params';
import { pause } from '../core/pause';
import { SecretManagerError, isSecretManagerError } from '../core/secret-manager.error';
import { quoteName } from '../core/secret-name';
import type { Pipeline } from '../policies/policy';
import { makeSigningKey } from './key-tag';
import type { VirtualKeyCall } from './virtual-key-calls';
import { signingKeyName } from './virtual-key-names';

const FIRST_PAUSE_MS = 200;
const RELOAD_INTERVAL_MS = 1_000;

/**
 * The keys that sign what the service issues, one for each store: `params` may name the store of a tenant. Each is made once,
 * with `createOnly`, and kept in memory from then on.
 */
export class SigningKeys {
  readonly #pipeline: Pipeline;
  readonly #name: string;
  readonly #loaded = new Map<string, string>();
  readonly #loadedAt = new Map<string, number>();

  constructor(pipeline: Pipeline, prefix: string) {
    this.#pipeline = pipeline;
    this.#name = signingKeyName(prefix);
  }

  /** The key, if it has been read before. If not, it is read behind the scenes. */
  loaded(call: VirtualKeyCall): string | undefined {
    const id = this.idOf(call);
    const key = this.#loaded.get(id);
    if (key === undefined && now() - (this.#loadedAt.get(id) ?? -Infinity) >= RELOAD_INTERVAL_MS) {
      this.#loadedAt.set(id, now());
      this.read(call).catch(() => undefined); // the next one tries again
    }
    return key;
  }

  /** Resolves to the key; makes it if the store has none. */
  async obtain(call: VirtualKeyCall): Promise<string> {
    const loaded = this.#loaded.get(this.idOf(call));
    if (loaded !== undefined) return loaded;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      const stored = await this.read(call);
      if (stored !== undefined) return stored;
      if (await this.make(call)) continue;
      await pause(pauseMs, call.options, call); // another instance has made it, and a replica may lag
    }
  }

  /** Resolves to whether the store has taken it: what is read back counts, in case that two instances make one. */
  private async make({ options }: VirtualKeyCall): Promise<boolean> {
    const write = { ...options, description: DESCRIPTION, createOnly: true };
    try {
      await this.#pipeline.writeSecret(this.#name, makeSigningKey(), write);
      return true;
    } catch (error) {
      if (isSecretManagerError(error) && error.code === 'CONFLICT') return false;
      throw error;
    }
  }

  private async read(call: VirtualKeyCall): Promise<string | undefined> {
    const { options } = call;
    const reading = await this.#pipeline.readSecret(this.#name, { ...options, maxAgeMs: 0 });
    if (reading === undefined) return undefined;
    if (reading.value === '') throw empty(this.#name, call);
    this.#loaded.set(this.idOf(call), reading.value);
    return reading.value;
  }

  private idOf({ options }: VirtualKeyCall): string {
    return secretKey(this.#name, options.params);
  }
}

const DESCRIPTION = 'Signs the virtual keys that the application issues.';

function empty(name: string, call: VirtualKeyCall): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `${quoteName(name)} is empty, and signs nothing. Delete it: the next virtual key makes another.`,
    { ...call, secretName: name },
  );
}
