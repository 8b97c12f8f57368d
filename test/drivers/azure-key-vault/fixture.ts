import {
  AzureKeyVaultSecretManager,
  type AzureAuth,
  type AzureKeyVaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { FakeAzureKeyVault, type FakeAzureOptions } from '../../support/fake-azure-key-vault';
import { CLIENT_ID, CLIENT_SECRET, TENANT } from '../../support/fake-azure-logins';

export const IDS = { tenantId: TENANT, clientId: CLIENT_ID };
export const BY_SECRET: AzureAuth = {
  method: 'client-secret',
  ...IDS,
  clientSecret: CLIENT_SECRET,
};

/** A vault and its managers. Start it in `beforeEach` and close it afterwards. */
export class Fixture {
  readonly fake: FakeAzureKeyVault;
  readonly #managers: AzureKeyVaultSecretManager[] = [];

  constructor(options: FakeAzureOptions = {}) {
    this.fake = new FakeAzureKeyVault(options);
  }

  async start(): Promise<this> {
    await this.fake.start();
    return this;
  }

  /** Changes how the vault behaves. */
  set(options: FakeAzureOptions): void {
    this.fake.options = { ...this.fake.options, ...options };
  }

  manager(options: Partial<AzureKeyVaultSecretManagerOptions> = {}): AzureKeyVaultSecretManager {
    const manager = new AzureKeyVaultSecretManager({
      vaultUrl: this.fake.url,
      trustedHosts: [this.fake.host],
      authorityHost: this.fake.url,
      auth: BY_SECRET,
      ...options,
    });
    this.#managers.push(manager);
    return manager;
  }

  /** The same manager behind the boundary that translates errors. */
  translated(options: Partial<AzureKeyVaultSecretManagerOptions> = {}): BoundaryPolicy {
    return new BoundaryPolicy(this.manager(options));
  }

  async close(): Promise<void> {
    for (const manager of this.#managers) await manager.close();
    await this.fake.stop();
  }
}

/** The process warnings of this library while a test runs. Create it in `beforeEach`. */
export function warningCodes(): string[] {
  const codes: string[] = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((_, options) => {
    codes.push(String((options as { code?: string }).code));
  });
  return codes;
}
