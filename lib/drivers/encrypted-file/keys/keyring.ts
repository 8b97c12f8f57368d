import { hkdfSync, randomBytes, scrypt, scryptSync, type ScryptOptions } from 'node:crypto';
import { misconfigured, unavailable } from '../files/problems';
import { SCRYPT, SCRYPT_BYTES_MAX, type Derivation } from './derivation';
import { readKeyFile } from './key-file';
import { KEY_BYTES, type KeySource } from './key-source';

const SALT_BYTES = 32;
const DERIVED_BYTES = 2 * KEY_BYTES;
const PURPOSE = 'nestjs-custom-secret-manager/encrypted-file';

/** The keys of one store. */
export interface StoreKeys {
  readonly sealing: Buffer;
  readonly authentication: Buffer;
}

/** Derives the keys of a store once, and holds them until it is closed. */
export class Keyring {
  #source: KeySource | undefined;
  #master: Buffer | undefined;
  #derived: { readonly id: string; readonly keys: StoreKeys } | undefined;
  #deriving: { readonly id: string; readonly done: Promise<void> } | undefined;

  constructor(source: KeySource | undefined) {
    this.#source = source;
  }

  /** The path of the key file. A new store creates the file. */
  get keyFile(): string | undefined {
    return this.#source?.from === 'keyFile' ? this.#source.path : undefined;
  }

  /** Returns a derivation for a new store. Its random salt gives every store its own keys. */
  newDerivation(): Derivation {
    const salt = randomBytes(SALT_BYTES).toString('base64');
    return this.source().from === 'passphrase'
      ? { from: 'passphrase', salt, ...SCRYPT }
      : { from: 'key', salt };
  }

  /** Tells whether a key still has to be derived from a passphrase, which takes a while. */
  get needsDerivation(): boolean {
    return this.#source?.from === 'passphrase' && this.#derived === undefined;
  }

  /** Throws `MISCONFIGURED` if the key cannot be read, and `UNAVAILABLE` if the keyring is closed. */
  assertUsable(): void {
    const source = this.source();
    if (source.from !== 'passphrase') this.master(source);
  }

  /** Runs scrypt in the background. Otherwise {@link keysFor} would block for as long. */
  async prepare(derivation: Derivation): Promise<void> {
    const source = this.source();
    const id = JSON.stringify(derivation);
    if (derivation.from !== 'passphrase' || source.from !== 'passphrase') return;
    if (this.#derived?.id === id) return;
    if (this.#deriving?.id !== id) {
      const { passphrase } = source;
      const done = deriveInBackground(passphrase, derivation)
        .then((derived) => {
          if (this.#source !== undefined) this.remember(id, derived); // unless the keyring was closed meanwhile
        })
        .finally(() => (this.#deriving = undefined));
      this.#deriving = { id, done };
    }
    await this.#deriving.done;
  }

  /** Returns the keys of a derivation. Derives them at the first call, and blocks meanwhile. */
  keysFor(derivation: Derivation): StoreKeys {
    const source = this.source();
    const id = JSON.stringify(derivation);
    if (this.#derived?.id === id) return this.#derived.keys;
    return this.remember(id, this.derive(source, derivation));
  }

  /** Overwrites all keys. */
  close(): void {
    const { sealing, authentication } = this.#derived?.keys ?? {};
    for (const key of [sealing, authentication, this.#master]) key?.fill(0);
    if (this.#source?.from === 'key') this.#source.key.fill(0);
    this.#source = this.#master = this.#derived = this.#deriving = undefined;
  }

  private derive(source: KeySource, derivation: Derivation): Buffer {
    if (derivation.from === 'key' && source.from !== 'passphrase') {
      const salt = Buffer.from(derivation.salt, 'base64');
      return Buffer.from(hkdfSync('sha256', this.master(source), salt, PURPOSE, DERIVED_BYTES));
    }
    if (derivation.from === 'passphrase' && source.from === 'passphrase') {
      return scryptSync(source.passphrase, ...parametersOf(derivation));
    }
    const remedy = derivation.from === 'key' ? '`key` or `keyFile`' : '`passphrase`';
    throw misconfigured(
      `The store was made with a ${derivation.from}, and not with what is given. Give ${remedy}.`,
    );
  }

  private remember(id: string, derived: Buffer): StoreKeys {
    const sealing = derived.subarray(0, KEY_BYTES);
    const authentication = derived.subarray(KEY_BYTES);
    this.#derived = { id, keys: { sealing, authentication } };
    return this.#derived.keys;
  }

  private source(): KeySource {
    if (this.#source !== undefined) return this.#source;
    throw unavailable('The store was closed when its application shut down.');
  }

  private master(source: Exclude<KeySource, { from: 'passphrase' }>): Buffer {
    this.#master ??= source.from === 'key' ? source.key : readKeyFile(source.path);
    return this.#master;
  }
}

type PassphraseDerivation = Extract<Derivation, { from: 'passphrase' }>;

function deriveInBackground(passphrase: string, derivation: PassphraseDerivation): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, ...parametersOf(derivation), (error, derived) =>
      error ? reject(error) : resolve(derived),
    );
  });
}

function parametersOf(derivation: PassphraseDerivation): [Buffer, number, ScryptOptions] {
  const { salt, cost, blockSize, parallelization } = derivation;
  const options = { cost, blockSize, parallelization, maxmem: SCRYPT_BYTES_MAX };
  return [Buffer.from(salt, 'base64'), DERIVED_BYTES, options];
}
