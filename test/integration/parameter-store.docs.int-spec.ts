import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { AwsParameterStoreSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { closeApplications, startApplication } from '../support/application';
import { CREDENTIALS, REGION } from './support/moto';
import { startMotoParameters, type MotoParameters } from './support/moto-parameters';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: { useFactory: () => AwsParameterStoreSecretManager.fromEnvironment() },
    }),
  ],
})
class WithTheEnvironment {}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true }),
    SecretManagerModule.forRoot({
      settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
      manager: {
        inject: [ConfigService],
        useFactory: (config: ConfigService) =>
          new AwsParameterStoreSecretManager({
            region: 'eu-central-1',
            endpoint: config.get<string>('SECRETS_ENDPOINT'),
            pathPrefix: '/payments/production',
            kmsKeyId: 'alias/app',
          }),
      },
    }),
  ],
})
class WithOptions {}

describe('The page of the driver for Parameter Store', () => {
  const environment = process.env;
  let moto: MotoParameters;

  beforeAll(async () => {
    moto = await startMotoParameters();
    await moto.reset();
    process.env = {
      ...environment,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL: moto.endpoint.url,
      SECRETS_ENDPOINT: moto.endpoint.url,
    };
  });

  afterEach(() => closeApplications());

  afterAll(async () => {
    process.env = environment;
    await moto.stop();
  });

  it('works with the environment alone', async () => {
    await moto.seed('payments/KEY', 'value');
    const app = await startApplication({ imports: [WithTheEnvironment] });

    const value = await app.get(SecretsService).get('payments/KEY');

    expect(value).toBe('value');
  });

  it('works with options, versions, labels and deletions', async () => {
    const app = await startApplication({ imports: [WithOptions] });
    const secrets = app.get(SecretsService);
    await secrets.set('API_KEY', 'first');
    await secrets.set('API_KEY', 'second');
    await moto.label('payments/production/API_KEY', 2, 'blue');

    const first = await secrets.get('API_KEY', { params: { version: 1 } });
    const blue = await secrets.get('API_KEY', { params: { label: 'blue' } });
    await secrets.delete('API_KEY');

    expect([first, blue]).toEqual(['first', 'second']);
    await expect(moto.describe('payments/production/API_KEY')).resolves.toBeUndefined();
  });
});
