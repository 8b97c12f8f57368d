import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { AzureKeyVaultSecretManager } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { closeApplications, startApplication } from '../support/application';
import { FakeAzureKeyVault } from '../support/fake-azure-key-vault';
import { CLIENT_ID, CLIENT_SECRET, TENANT } from '../support/fake-azure-logins';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: { useFactory: () => AzureKeyVaultSecretManager.fromEnvironment() },
    }),
  ],
})
class FromEnvironment {}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true }),
    SecretManagerModule.forRoot({
      settings: { accessMode: 'read_and_write' },
      manager: {
        inject: [ConfigService],
        useFactory: (config: ConfigService) =>
          new AzureKeyVaultSecretManager({
            vaultUrl: config.getOrThrow<string>('VAULT_URL'),
            mapName: 'dashes',
            auth: {
              method: 'client-secret',
              tenantId: config.getOrThrow<string>('TENANT_ID'),
              clientId: config.getOrThrow<string>('CLIENT_ID'),
              clientSecret: config.getOrThrow<string>('CLIENT_SECRET'),
            },
            trustedHosts: [config.getOrThrow<string>('VAULT_HOST')],
            authorityHost: config.getOrThrow<string>('VAULT_URL'),
          }),
      },
    }),
  ],
})
class WithOptions {}

describe('The page of the driver for Azure Key Vault', () => {
  const environment = process.env;
  const fake = new FakeAzureKeyVault();

  beforeAll(async () => {
    await fake.start();
    const ids = { TENANT_ID: TENANT, CLIENT_ID, CLIENT_SECRET };
    process.env = { ...environment, ...ids, VAULT_URL: fake.url, VAULT_HOST: fake.host };
  });

  afterAll(async () => {
    await closeApplications();
    process.env = environment;
    await fake.stop();
  });

  it('writes and reads with mapped names', async () => {
    const application = await startApplication({ imports: [WithOptions] });
    const secrets = application.get(SecretsService);

    await secrets.set('API_KEY', 'value');

    await expect(secrets.get('API_KEY')).resolves.toBe('value');
    expect(fake.current('API-KEY')?.value).toBe('value');
  });

  it('reports a missing vault of the environment', async () => {
    const started = startApplication({ imports: [FromEnvironment] });

    await expect(started).rejects.toThrow('vaultUrl is missing');
  });
});
