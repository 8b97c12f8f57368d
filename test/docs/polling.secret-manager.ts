import {
  CustomSecretManager,
  SecretManagerError,
  type OperationOptions,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';
import {
  NamedLock,
  assertKnownOptions,
  assertNoParams,
  backoffMs,
  jittered,
  pause,
  quoteName,
  waitFor,
} from 'nestjs-custom-secret-manager/driver-kit';

/** The client of the store. */
export interface StoreClient {
  read(name: string, options: { readonly signal?: AbortSignal }): Promise<string | undefined>;
  /** Writes a value. Resolves to `false` if somebody else has changed the secret meanwhile. */
  tryWrite(name: string, value: string): Promise<boolean>;
}

export interface PollingSecretManagerOptions {
  readonly client: StoreClient;
}

const PAUSES = { firstMs: 50, longestMs: 2_000 };
const MAX_ATTEMPTS = 5;

export class PollingSecretManager extends CustomSecretManager {
  readonly #client: StoreClient;
  readonly #locks = new NamedLock();

  constructor(options: PollingSecretManagerOptions) {
    super('polling');
    assertKnownOptions('PollingSecretManager', options, ['client']);
    this.#client = options.client;
  }

  override readSecret(secretName: string, { params, signal }: OperationOptions = {}) {
    assertNoParams(params, 'the store has no tenants');
    return this.#client.read(secretName, { signal });
  }

  override async writeSecret(secretName: string, value: string, options: WriteOptions = {}) {
    const context = { manager: 'polling', operation: 'writeSecret', secretName };
    const wait = (earlier: Promise<unknown>) => waitFor(earlier, options, context);
    await this.#locks.run([secretName], wait, async () => {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        if (await this.#client.tryWrite(secretName, value)) return;
        await pause(jittered(backoffMs(attempt, PAUSES)), options, context);
      }
      const message = `Others kept changing ${quoteName(secretName)}. Write it again later.`;
      throw new SecretManagerError('UNAVAILABLE', message);
    });
  }
}
