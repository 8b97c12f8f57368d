import { countingDown } from '../../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { isRecord } from '../../../core/validation/option-rules';
import { matchesCrc32c, crc32c } from '../../google/crc32c';
import type { GoogleEnvironment } from '../../google/credentials/google-auth';
import { GoogleConnection } from '../../google/google-connection';
import { googleReasons } from '../../google/errors/google-errors';
import { jsonOf, type HttpAnswer, type HttpSteps } from '../../http/wire/http-request';
import { UsableOptions } from '../../http/options/usable-options';
import { assertSize, bytesOfBase64, ciphertextBytes, plaintextOf } from '../ciphers/bytes';
import type { Cipher, CipherOptions } from '../ciphers/cipher';
import { limitsOf } from '../ciphers/shared-decryptions';
import { optionProblems, type GoogleKmsOptions } from './google-kms.options';
import { kmsError } from './kms-errors';

const MANAGER = 'decrypting';
const SERVICE = 'Google KMS';
const MAX_BYTES = 64 * 1024;
/** A ciphertext is longer than its plaintext: by its header, nonce and tag. */
const MAX_CIPHERTEXT_BYTES = MAX_BYTES + 1_024;

/** Decrypts and encrypts with a key of Google KMS. Checksums protect what is sent and received. */
export class GoogleKmsCipher implements Cipher {
  readonly #options: GoogleKmsOptions;
  readonly #usable: UsableOptions;
  readonly #connection: GoogleConnection;

  constructor(given: GoogleKmsOptions, environment: GoogleEnvironment) {
    const options = (isRecord(given) ? { ...given } : {}) as GoogleKmsOptions; // checked before each use
    this.#options = options;
    this.#usable = new UsableOptions('googleKms', () => optionProblems(options, environment));
    const service = { name: 'cloudkms' };
    this.#connection = new GoogleConnection(MANAGER, options, service, environment);
  }

  async decrypt(ciphertext: string, options: CipherOptions): Promise<string> {
    this.assertUsable('decrypt');
    return await this.run(limitsOf(options), (limits) => this.decryption(ciphertext, limits));
  }

  decryptSync(ciphertext: string, options: CipherOptions): string {
    this.assertUsable('decrypt');
    const limits = withDeadline(options);
    return this.#connection.clients.runSync(this.decryption(ciphertext, limits), limits);
  }

  async encrypt(plaintext: string, options: CipherOptions): Promise<string> {
    this.assertUsable('encrypt');
    return await this.run(options, (limits) => this.encryption(plaintext, limits));
  }

  validate(): void {
    this.assertUsable('validateEnvironment');
    if (this.#options.startsSyncReads) this.#connection.clients.startSync();
  }

  /** Looks at the key. A login that may not look is healthy: Google answers and knows the caller. */
  async checkHealth(options: CipherOptions = {}): Promise<boolean> {
    this.assertUsable('checkHealth');
    const answer = await this.run(options, (limits) =>
      this.#connection.send({ method: 'GET', path: `/v1/${this.#options.key}` }, limits),
    );
    const isDenied = answer.statusCode === 403 && googleReasons(answer) === 'PERMISSION_DENIED';
    if (isDenied || (answer.statusCode === 200 && jsonOf(answer) !== undefined)) return true;
    throw kmsError(answer, 'Looking at the key', 'viewer');
  }

  async close(): Promise<void> {
    await Promise.all([this.#connection.clients.close(), this.#connection.closeLogin()]);
  }

  private run<Outcome>(
    options: CipherOptions,
    steps: (limits: CipherOptions) => HttpSteps<Outcome>,
  ): Promise<Outcome> {
    const limits = withDeadline(options);
    return this.#connection.clients.run(steps(limits), limits);
  }

  private *decryption(given: string, limits: CipherOptions): HttpSteps<string> {
    const bytes = ciphertextBytes(given, SERVICE, MAX_CIPHERTEXT_BYTES);
    const answer = yield* this.post('decrypt', { ...checked('ciphertext', bytes) }, limits);
    const content = answer.statusCode === 200 ? jsonOf(answer) : undefined;
    if (content === undefined || !isDecryption(content)) {
      throw kmsError(answer, 'Decrypting', 'cryptoKeyDecrypter');
    }
    const { plaintext = '', plaintextCrc32c } = content; // an empty one is left out
    return plaintextOf(receivedBytes(plaintext, plaintextCrc32c));
  }

  private *encryption(plaintext: string, limits: CipherOptions): HttpSteps<string> {
    const bytes = Buffer.from(plaintext, 'utf8');
    assertSize('value', bytes.length, SERVICE, MAX_BYTES);
    const answer = yield* this.post('encrypt', { ...checked('plaintext', bytes) }, limits);
    const content = answer.statusCode === 200 ? jsonOf(answer) : undefined;
    if (content?.ciphertext === undefined) {
      throw kmsError(answer, 'Encrypting', 'cryptoKeyEncrypter');
    }
    const { ciphertext, ciphertextCrc32c, verifiedPlaintextCrc32c } = content;
    const received = receivedBytes(ciphertext, ciphertextCrc32c);
    if (verifiedPlaintextCrc32c !== true) throw corrupted();
    return Buffer.from(received).toString('base64');
  }

  private post(
    action: 'decrypt' | 'encrypt',
    fields: object,
    limits: CipherOptions,
  ): HttpSteps<HttpAnswer> {
    const { key, additionalAuthenticatedData: bound } = this.#options;
    const binding =
      bound === undefined ? {} : checked('additionalAuthenticatedData', Buffer.from(bound, 'utf8'));
    const request = {
      method: 'POST',
      path: `/v1/${key}:${action}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...fields, ...binding }),
    } as const;
    return this.#connection.send(request, limits);
  }

  private assertUsable(operation: string): void {
    this.#usable.assert({ manager: MANAGER, operation });
  }
}

function withDeadline(options: CipherOptions): CipherOptions {
  return countingDown(options, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}

const BESIDE_PLAINTEXT = ['plaintextCrc32c', 'usedPrimary', 'protectionLevel'];

/**
 * Returns whether an answer is one of Google. It leaves out an empty plaintext, and the JSON of something else must not
 * become an empty secret.
 */
function isDecryption(content: Readonly<Record<string, unknown>>): boolean {
  const isEmpty = Object.keys(content).every((field) => BESIDE_PLAINTEXT.includes(field));
  return isEmpty || content.plaintext !== undefined;
}

/** Returns bytes and their checksum as the fields of a request. */
function checked(field: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  return {
    [field]: Buffer.from(bytes).toString('base64'),
    [`${field}Crc32c`]: String(crc32c(bytes)),
  };
}

/** Returns the bytes of an answer. Throws if they do not fit the checksum that Google sent with them. */
function receivedBytes(text: unknown, checksum: unknown): Uint8Array {
  const bytes = typeof text === 'string' ? bytesOfBase64(text) : undefined;
  if (bytes === undefined) {
    throw new SecretManagerError(
      'MALFORMED',
      'Google KMS answered with something that is no base64. Check `endpoint`.',
    );
  }
  if (!matchesCrc32c(bytes, checksum)) throw corrupted();
  return bytes;
}

function corrupted(): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    'The checksum (CRC32C) does not match: the bytes were damaged on the way to Google KMS or from it. Try it again.',
  );
}
