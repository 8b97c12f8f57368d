import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { startOpenBao, type OpenBao } from './support/openbao';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: { useFactory: () => VaultSecretManager.fromEnvironment() },
    }),
  ],
})
class FromEnvironment {}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true }),
    SecretManagerModule.forRoot({
      manager: {
        inject: [ConfigService],
        useFactory: (config: ConfigService) =>
          new VaultSecretManager({
            address: config.getOrThrow<string>('VAULT_ADDR'),
            mount: 'secret',
            pathPrefix: 'payments',
            auth: {
              method: 'approle',
              roleId: config.getOrThrow<string>('VAULT_ROLE_ID'),
              secretId: config.getOrThrow<string>('VAULT_SECRET_ID'),
            },
          }),
      },
      settings: { accessMode: 'read_and_write' },
    }),
  ],
})
class ByAppRole {}

/** Runs the code of docs/drivers/vault.md on a real server. */
describe('The page of the Vault driver', () => {
  let bao: OpenBao;

  beforeAll(async () => {
    bao = await startOpenBao();
    process.env.VAULT_ADDR = bao.address;
  });

  afterAll(async () => {
    for (const name of ['ADDR', 'TOKEN', 'ROLE_ID', 'SECRET_ID'])
      delete process.env[`VAULT_${name}`];
    await bao.stop();
  });

  it('reads with the variables of the command line tools', async () => {
    process.env.VAULT_TOKEN = bao.rootToken;
    await bao.put('SMTP_PASSWORD', 'of the mail');
    const app = await NestFactory.createApplicationContext(FromEnvironment, { logger: false });

    const value = await app.get(SecretsService).get('SMTP_PASSWORD');
    await app.close();

    expect(value).toBe('of the mail');
  });

  it('logs in by AppRole, writes, and reads versions and mounts by params', async () => {
    await bao.expect('POST', 'sys/mounts/tenants/acme', { type: 'kv', options: { version: '2' } });
    await bao.expect('POST', 'tenants/acme/data/payments/API_KEY', { data: { value: 'of acme' } });
    await giveRole(bao, ['secret/*', 'tenants/*']);
    const app = await NestFactory.createApplicationContext(ByAppRole, { logger: false });
    const secrets = app.get(SecretsService);

    await secrets.set('API_KEY', 'first');
    await secrets.set('API_KEY', 'second', { tags: { team: 'payments' } });
    const first = await secrets.get('API_KEY', { params: { version: 1 } });
    const acme = await secrets.get('API_KEY', { params: { mount: 'tenants/acme' } });

    expect([first, acme, await secrets.get('API_KEY')]).toEqual(['first', 'of acme', 'second']);
    await app.close();
  });
});

async function giveRole(bao: OpenBao, paths: readonly string[]): Promise<void> {
  const rules = Object.fromEntries(
    paths.map((path) => [path, { capabilities: ['create', 'read', 'update', 'delete'] }]),
  );
  await bao.expect('PUT', 'sys/policies/acl/payments', { policy: JSON.stringify({ path: rules }) });
  await bao.expect('POST', 'sys/auth/approle', { type: 'approle' });
  await bao.expect('POST', 'auth/approle/role/payments', { token_policies: 'payments' });
  const role = await bao.expect('GET', 'auth/approle/role/payments/role-id');
  const secret = await bao.expect('POST', 'auth/approle/role/payments/secret-id', {});
  process.env.VAULT_ROLE_ID = String((role.body.data as { role_id: string }).role_id);
  process.env.VAULT_SECRET_ID = String((secret.body.data as { secret_id: string }).secret_id);
}
