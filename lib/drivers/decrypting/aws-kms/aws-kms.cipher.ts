import type { DecryptCommandOutput } from '@aws-sdk/client-kms';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { isRecord } from '../../../core/validation/option-rules';
import { CredentialSource } from '../../aws/connection/credential-source';
import { isDenied } from '../../aws/errors';
import { assertUsable, warnOfRetries } from '../../aws/connection/start-checks';
import { SyncAwsSender } from '../../aws/sync-sender';
import { UsableOptions } from '../../http/options/usable-options';
import { assertSize, ciphertextBytes, plaintextOf } from '../ciphers/bytes';
import type { Cipher, CipherOptions } from '../ciphers/cipher';
import { limitsOf } from '../ciphers/shared-decryptions';
import { KmsApi } from './api';
import { optionProblems, type AwsKmsOptions } from './aws-kms.options';
import { KMS } from './service';

const SERVICE = 'AWS KMS';
const MAX_PLAINTEXT_BYTES = 4_096;
const MAX_CIPHERTEXT_BYTES = 6_144;

/** Decrypts and encrypts with a key of AWS KMS. */
export class AwsKmsCipher implements Cipher {
  readonly #options: AwsKmsOptions;
  readonly #usable: UsableOptions;
  readonly #api: KmsApi;
  readonly #sync: SyncAwsSender;

  constructor(given: AwsKmsOptions, workerFile: string | undefined) {
    const options: AwsKmsOptions = isRecord(given) ? { ...given } : { keyId: '' };
    const source = new CredentialSource();
    this.#options = options;
    this.#usable = new UsableOptions('awsKms', () => optionProblems(options));
    this.#api = new KmsApi(options, source);
    const isClientGiven = options.client !== undefined;
    const connection = { ...options, client: undefined };
    this.#sync = new SyncAwsSender(KMS, { connection, isClientGiven, source, workerFile });
  }

  async decrypt(ciphertext: string, options: CipherOptions): Promise<string> {
    const input = this.decryptInput(ciphertext);
    return textOf(await this.#api.decrypt(input, limitsOf(options)));
  }

  decryptSync(ciphertext: string, options: CipherOptions): string {
    const input = this.decryptInput(ciphertext);
    const output = this.#sync.send({ action: 'Decrypt' }, input, options);
    return textOf(output as DecryptCommandOutput);
  }

  async encrypt(plaintext: string, options: CipherOptions): Promise<string> {
    this.assertUsable('encrypt');
    const bytes = Uint8Array.from(Buffer.from(plaintext, 'utf8'));
    if (bytes.length === 0) throw emptyPlaintext();
    assertSize('value', bytes.length, SERVICE, MAX_PLAINTEXT_BYTES);
    const input = { ...this.key(), Plaintext: bytes };
    const { CiphertextBlob } = await this.#api.encrypt(input, options);
    if (CiphertextBlob === undefined || CiphertextBlob.length === 0) throw incomplete('ciphertext');
    return Buffer.from(CiphertextBlob).toString('base64');
  }

  async validate(): Promise<void> {
    const isClientGiven = this.#options.client !== undefined;
    await assertUsable({
      service: KMS,
      client: this.#api.client,
      isClientGiven,
      connection: this.#options,
      optionProblems: optionProblems(this.#options),
      probe: (config) => this.#api.probe(config),
    });
    if (isClientGiven) await warnOfRetries(this.#api.client, KMS);
    if (this.#options.startsSyncReads) this.#sync.start();
  }

  /** Looks at the key. A role that may not look is healthy: AWS answers and knows the caller. */
  async checkHealth(options: CipherOptions = {}): Promise<boolean> {
    this.assertUsable('checkHealth');
    try {
      const { KeyMetadata } = await this.#api.describeKey(this.#options.keyId, options);
      const state = KeyMetadata?.KeyState ?? 'Enabled';
      if (!['Enabled', 'Updating', 'Creating'].includes(state)) throw unusableKey(state);
    } catch (thrown) {
      if (!isDenied(thrown)) throw thrown;
    }
    return true;
  }

  async close(): Promise<void> {
    this.#api.close();
    await this.#sync.close();
  }

  private decryptInput(ciphertext: string) {
    this.assertUsable('decrypt');
    const CiphertextBlob = ciphertextBytes(ciphertext, SERVICE, MAX_CIPHERTEXT_BYTES);
    return { ...this.key(), CiphertextBlob };
  }

  private key() {
    const { keyId, encryptionContext } = this.#options;
    return {
      KeyId: keyId,
      EncryptionContext: encryptionContext && { ...encryptionContext },
    };
  }

  private assertUsable(operation: string): void {
    this.#usable.assert({ manager: 'decrypting', operation });
  }
}

function textOf({ Plaintext }: Partial<DecryptCommandOutput>): string {
  if (!ArrayBuffer.isView(Plaintext)) throw incomplete('plaintext');
  return plaintextOf(Plaintext);
}

function incomplete(what: string): SecretManagerError {
  return new SecretManagerError('MALFORMED', `AWS answered without a ${what}. Check the endpoint.`);
}

function emptyPlaintext(): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    'The value is empty, and AWS KMS encrypts no empty value. Delete the secret instead.',
  );
}

function unusableKey(state: string): SecretManagerError {
  const isBusy = state === 'Unavailable';
  return new SecretManagerError(
    isBusy ? 'UNAVAILABLE' : 'MISCONFIGURED',
    `The key of AWS KMS cannot be used: ${isBusy ? 'its key store is away' : 'it is disabled, being deleted, or without material'}. Check the key.`,
  );
}
