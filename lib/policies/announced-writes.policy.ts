import type { DeleteOptions, SecretMetadata, WriteOptions } from '../core/custom-secret-manager';
import { Policy, type Pipeline } from './policy';

/** Tells of each secret that was changed, whoever had it changed: there is more than one cache above. */
export class AnnouncedWritesPolicy extends Policy {
  readonly #announce: (secretName: string) => void;

  constructor(inner: Pipeline, announce: (secretName: string) => void) {
    super(inner);
    this.#announce = announce;
  }

  override async writeSecret(
    secretName: string,
    value: string,
    options?: WriteOptions,
  ): Promise<SecretMetadata> {
    const metadata = await this.inner.writeSecret(secretName, value, options);
    this.#announce(secretName);
    return metadata;
  }

  override async deleteSecret(
    secretName: string,
    options?: DeleteOptions,
  ): Promise<SecretMetadata> {
    const metadata = await this.inner.deleteSecret(secretName, options);
    this.#announce(secretName);
    return metadata;
  }
}
