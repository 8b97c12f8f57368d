import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { GoogleSecretManager } from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { GoogleAuth } from 'google-auth-library';
import { failureOf } from '../support/failure-of';
import { FakeGoogleSecretManager } from '../support/fake-google-secret-manager';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: { useFactory: () => GoogleSecretManager.fromEnvironment() },
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
          new GoogleSecretManager({
            projectId: 'payments-prod',
            endpoint: config.get<string>('SECRETS_ENDPOINT'),
            mapName: 'dashes',
            auth: { method: 'metadata' },
          }),
      },
      settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
      preload: [{ name: 'SPARE_KEY', optional: true }],
      environment: { SPARE_KEY: 'of the environment', LATE_KEY: 'of the environment' },
    }),
  ],
})
class WithOptions {}

function withTokenSource(googleAuth: GoogleAuth): GoogleSecretManager {
  return new GoogleSecretManager({ projectId: 'payments-prod', auth: googleAuth });
}

/** Runs the code of docs/drivers/google-secret-manager.md on the fake. */
describe('The page of the driver for Google Secret Manager', () => {
  let fake: FakeGoogleSecretManager;
  const variables = { ...process.env };

  beforeEach(async () => {
    fake = await new FakeGoogleSecretManager().start();
    process.env.GCE_METADATA_HOST = `127.0.0.1:${fake.port}`;
    process.env.SECRETS_ENDPOINT = fake.address;
    process.env.HOME = '/nowhere';
  });

  afterEach(async () => {
    process.env = { ...variables };
    await fake.stop();
  });

  it('starts with the order of Application Default Credentials, without a request', async () => {
    const app = await Test.createTestingModule({ imports: [FromEnvironment] }).compile();

    await app.close();

    expect(fake.requests).toEqual([]);
  });

  it('accepts a GoogleAuth', async () => {
    const manager = withTokenSource(
      new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' }),
    );

    expect(() => manager.validateEnvironment()).not.toThrow();
    await manager.close();
  });

  it('reads, writes and reads a version', async () => {
    fake.store.put('API-KEY', 'first');
    fake.store.put('API-KEY', 'second');
    const app = await Test.createTestingModule({ imports: [WithOptions] }).compile();
    const secrets = app.get(SecretsService);

    const previous = await secrets.get('API_KEY', { params: { version: 1 } });
    const keystore = await secrets.get('API_KEY', { params: { encoding: 'base64' } });
    await secrets.set('team/key', 'new');
    const written = await secrets.get('team/key');
    await app.close();

    expect([previous, keystore, written]).toEqual(['first', 'c2Vjb25k', 'new']);
  });

  it('answers a disabled version neither from the environment nor from the cache', async () => {
    fake.store.put('SPARE-KEY', 'of Google');
    fake.store.setState('SPARE-KEY', 1, 'DISABLED');
    fake.store.put('LATE-KEY', 'of Google');
    const app = await Test.createTestingModule({ imports: [WithOptions] }).compile(); // `optional` forgives it
    const secrets = app.get(SecretsService);
    const before = await secrets.get('LATE_KEY');
    fake.store.setState('LATE-KEY', 1, 'DESTROYED');

    const codes = [
      (await failureOf(secrets.get('SPARE_KEY'))).code,
      (await failureOf(secrets.refresh('LATE_KEY'))).code,
      (await failureOf(secrets.get('LATE_KEY'))).code,
    ];
    await app.close();

    expect([before, ...codes]).toEqual(['of Google', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
  });
});
