import { countingDown } from '../../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { isRecord } from '../../../core/validation/option-rules';
import { trimSlashes } from '../../hashicorp-vault/options/option-problems';
import { VaultConnection } from '../../hashicorp-vault/session/vault-connection';
import { isObject, type VaultAnswer } from '../../hashicorp-vault/wire/vault-answer';
import { isFromVault } from '../../hashicorp-vault/wire/vault-errors';
import { vaultPath } from '../../hashicorp-vault/wire/vault-path';
import type { VaultRequest } from '../../hashicorp-vault/wire/vault-request';
import type { Steps } from '../../hashicorp-vault/wire/vault-steps';
import { run, runSync } from '../../http/wire/steps';
import { UsableOptions } from '../../http/options/usable-options';
import { bytesOfBase64, plaintextOf } from '../ciphers/bytes';
import type { Cipher, CipherOptions } from '../ciphers/cipher';
import { limitsOf } from '../ciphers/shared-decryptions';
import { lacksContext, neededNoContext, transitError } from './transit-errors';
import { optionProblems, type VaultTransitOptions } from './vault-transit.options';

const CIPHERTEXT = /^vault:v[1-9]\d{0,8}:[A-Za-z0-9+/=_-]+$/;

/** Decrypts and encrypts with a key of Vault's transit engine. */
export class VaultTransitCipher implements Cipher {
  readonly #options: VaultTransitOptions;
  readonly #usable: UsableOptions;
  readonly #connection: VaultConnection;
  /** `true` when the server has shown that the key is a derived one. */
  #isDerived = false;

  constructor(given: VaultTransitOptions) {
    const options = (isRecord(given) ? { ...given } : {}) as VaultTransitOptions; // checked before each use
    this.#options = options;
    this.#usable = new UsableOptions('vaultTransit', () => optionProblems(options));
    this.#connection = new VaultConnection(options);
  }

  async decrypt(ciphertext: string, options: CipherOptions): Promise<string> {
    this.assertUsable('decrypt');
    return await this.run(this.decryption(ciphertext), limitsOf(options));
  }

  decryptSync(ciphertext: string, options: CipherOptions): string {
    this.assertUsable('decrypt');
    const { session } = this.#connection;
    return runSync(this.decryption(ciphertext), (request) => session.sendSync(request, options));
  }

  async encrypt(plaintext: string, options: CipherOptions): Promise<string> {
    this.assertUsable('encrypt');
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    return await this.run(this.encryption(plaintext), countingDown(options, timeoutMs));
  }

  validate(): void {
    this.assertUsable('validateEnvironment');
    if (this.#options.startsSyncReads) this.#connection.clients.syncClient.start();
  }

  async checkHealth(options: CipherOptions = {}): Promise<boolean> {
    this.assertUsable('checkHealth');
    await this.#connection.assertHealthy(options);
    return true;
  }

  async close(): Promise<void> {
    if (this.#usable.areWrong) return; // no request was ever sent
    await this.#connection.close();
  }

  private run<Outcome>(steps: Steps<Outcome>, options: CipherOptions): Promise<Outcome> {
    return run(steps, (request) => this.#connection.session.send(request, options));
  }

  private *decryption(given: string): Steps<string> {
    const ciphertext = given.trim();
    if (!CIPHERTEXT.test(ciphertext)) throw noCiphertext();
    if (this.#options.context !== undefined && !this.#isDerived)
      yield* this.assertDerived(ciphertext);
    const answer = yield this.request('decrypt', { ciphertext, ...this.binding() });
    const plaintext = fieldOf(answer, 'plaintext');
    const bytes = typeof plaintext === 'string' ? bytesOfBase64(plaintext) : undefined;
    if (bytes === undefined) throw transitError(answer, this.subject('Decrypting'));
    return plaintextOf(bytes);
  }

  /**
   * Throws `MISCONFIGURED` for a key that is not derived: the server would ignore the context. Decrypts without the
   * context, which a derived key refuses. That needs no right beyond those of a decryption.
   */
  private *assertDerived(ciphertext: string): Steps<void> {
    const { associated_data } = this.binding();
    const answer = yield this.request('decrypt', { ciphertext, associated_data });
    this.#isDerived = lacksContext(answer);
    if (this.#isDerived) return;
    if (neededNoContext(answer)) throw this.contextIgnored();
    throw transitError(answer, this.subject('Decrypting'));
  }

  /** Reads the key first, because the server creates a key that it does not know. */
  private *encryption(plaintext: string): Steps<string> {
    yield* this.assertKey();
    const content = { plaintext: toBase64(plaintext), ...this.binding() };
    const answer = yield this.request('encrypt', content);
    const ciphertext = fieldOf(answer, 'ciphertext');
    if (typeof ciphertext === 'string' && CIPHERTEXT.test(ciphertext)) return ciphertext;
    throw transitError(answer, this.subject('Encrypting'));
  }

  private *assertKey(): Steps<void> {
    const { context } = this.#options;
    const answer = yield this.request('keys');
    const isDerived = fieldOf(answer, 'derived');
    if (typeof isDerived !== 'boolean') {
      throw transitError(answer, `${this.subject('Reading')}, which comes before an encryption,`);
    }
    if (isDerived === (context !== undefined)) return;
    throw isDerived ? this.contextMissing() : this.contextIgnored();
  }

  private binding(): { readonly context?: string; readonly associated_data?: string } {
    const { context, associatedData } = this.#options;
    return {
      ...(context !== undefined && { context: toBase64(context) }),
      ...(associatedData !== undefined && { associated_data: toBase64(associatedData) }),
    };
  }

  private request(action: 'decrypt' | 'encrypt' | 'keys', content?: object): VaultRequest {
    const { mount = 'transit', key, namespace } = this.#options;
    const path = vaultPath(trimSlashes(mount), action, key);
    const method = content === undefined ? 'GET' : 'POST';
    return { method, path, namespace, content };
  }

  private subject(doing: string): string {
    const { mount = 'transit', key } = this.#options;
    return `${doing} with the key ${quoteName(key)} of the mount ${quoteName(mount)}`;
  }

  private contextIgnored(): SecretManagerError {
    return new SecretManagerError(
      'MISCONFIGURED',
      `${this.subject('Working')} failed: the key is not a derived one, so that the server ignores \`context\`. ` +
        'Use `associatedData`, or a key with derived=true.',
    );
  }

  private contextMissing(): SecretManagerError {
    return new SecretManagerError(
      'MISCONFIGURED',
      `${this.subject('Encrypting')} failed: the key is a derived one. Give \`context\`.`,
    );
  }

  private assertUsable(operation: string): void {
    this.#usable.assert({ manager: 'decrypting', operation });
  }
}

/** Returns a field of the data of a successful answer. */
function fieldOf(answer: VaultAnswer, field: string): unknown {
  if (answer.statusCode !== 200 || !isFromVault(answer)) return undefined;
  const data = answer.content?.data;
  return isObject(data) ? data[field] : undefined;
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function noCiphertext(): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    'The value is no ciphertext of Vault, which begins with "vault:v1:" or a later version. `hostedKeys` says which names are ' +
      'ciphertext.',
  );
}
