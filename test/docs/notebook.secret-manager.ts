import {
  CustomSecretManager,
  SecretManagerError,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';

/** A store in a `Map`, for the page on testing: the smallest manager that reads, writes and deletes. */
export class NotebookSecretManager extends CustomSecretManager {
  readonly #secrets: Map<string, string>;

  constructor({ secrets }: { readonly secrets: Map<string, string> }) {
    super('notebook');
    this.#secrets = secrets;
  }

  override async readSecret(secretName: string): Promise<string | undefined> {
    return this.readSecretSync(secretName);
  }

  override readSecretSync(secretName: string): string | undefined {
    return this.#secrets.get(secretName);
  }

  override async writeSecret(
    secretName: string,
    value: string,
    { createOnly = false }: WriteOptions = {},
  ): Promise<void> {
    if (createOnly && this.#secrets.has(secretName)) {
      throw new SecretManagerError(
        'CONFLICT',
        `The notebook has a secret "${secretName}" already.`,
      );
    }
    this.#secrets.set(secretName, value);
  }

  override async deleteSecret(secretName: string): Promise<void> {
    this.#secrets.delete(secretName);
  }

  override async checkHealth(): Promise<boolean> {
    return true;
  }
}
