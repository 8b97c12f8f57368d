import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { closeApplications, startApplication } from '../support/application';
import { CREDENTIALS, REGION, startMoto, type Moto } from './support/moto';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: AwsSecretManager,
    }),
  ],
})
class WithTheEnvironment {}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true }),
    SecretManagerModule.forRoot({
      settings: { accessMode: 'read_and_write' },
      manager: {
        inject: [ConfigService],
        useFactory: (config: ConfigService) =>
          new AwsSecretManager({
            region: 'eu-central-1',
            endpoint: config.get<string>('SECRETS_ENDPOINT'),
            kmsKeyId: 'alias/payments',
            replicaRegions: ['eu-west-1'],
          }),
      },
    }),
  ],
})
class WithOptions {}

describe('The page of the AWS driver', () => {
  const environment = process.env;
  let moto: Moto;

  beforeAll(async () => {
    moto = await startMoto();
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
    await moto.seed('FROM_THE_ENVIRONMENT', 'value');
    const app = await startApplication({ imports: [WithTheEnvironment] });

    const value = await app.get(SecretsService).get('FROM_THE_ENVIRONMENT');

    expect(value).toBe('value');
  });

  it('works with options, stages and bytes', async () => {
    const app = await startApplication({ imports: [WithOptions] });
    const secrets = app.get(SecretsService);
    await secrets.set('API_KEY', 'current');
    await moto.client.send(
      new PutSecretValueCommand({
        SecretId: 'API_KEY',
        SecretString: 'pending',
        VersionStages: ['AWSPENDING'],
      }),
    );
    const SecretBinary = Buffer.from([254, 237]);
    await moto.client.send(new CreateSecretCommand({ Name: 'KEYSTORE', SecretBinary }));

    const next = await secrets.get('API_KEY', { params: { versionStage: 'AWSPENDING' } });
    const keystore = await secrets.get('KEYSTORE', { params: { encoding: 'hex' } });

    expect([next, keystore]).toEqual(['pending', 'feed']);
  });
});
