import { Module } from '@nestjs/common';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import {
  DecryptingSecretManager,
  awsKms,
  googleKms,
  vaultTransit,
  type Cipher,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { EnvironmentSecretManager } from 'nestjs-custom-secret-manager/drivers/environment';
import { AwsEndpoint } from '../support/aws-endpoint';
import { closeApplications, startApplication } from '../support/application';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      settings: { hostedKeys: ['DB_PASSWORD', 'API_KEY'] },
      manager: {
        useFactory: () =>
          new DecryptingSecretManager({
            inner: new EnvironmentSecretManager(),
            decrypt: awsKms({ keyId: 'alias/app', encryptionContext: { app: 'payments' } }),
          }),
      },
    }),
  ],
})
class WithAwsKms {}

function withTransit(): Cipher {
  const transit = vaultTransit({
    address: 'https://vault.example:8200',
    auth: { method: 'kubernetes', role: 'payments' },
    key: 'payments',
    associatedData: 'payments',
  });
  return transit;
}

function withGoogle(): Cipher {
  const kms = googleKms({
    key: 'projects/payments/locations/europe-west3/keyRings/app/cryptoKeys/secrets',
    additionalAuthenticatedData: 'payments',
  });
  return kms;
}

function withAFunction(open: (sealed: string, signal?: AbortSignal) => Promise<string>) {
  const manager = new DecryptingSecretManager({
    inner: new EnvironmentSecretManager(),
    decrypt: (ciphertext, { signal }) => open(ciphertext, signal),
  });
  return manager;
}

describe('The page of the decrypting manager', () => {
  const environment = process.env;

  afterEach(async () => {
    process.env = environment;
    await closeApplications();
  });

  it('decrypts the names of hostedKeys, and leaves the others alone', async () => {
    const aws = await new AwsEndpoint().start();
    aws.reply('Decrypt', { body: { Plaintext: Buffer.from('value').toString('base64') } });
    process.env = {
      ...environment,
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_KMS: aws.url,
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'secret',
      DB_PASSWORD: Buffer.from('sealed').toString('base64'),
      LOG_LEVEL: 'debug',
    };
    const app = await startApplication({ imports: [WithAwsKms] });
    const secrets = app.get(SecretsService);

    await expect(secrets.get('DB_PASSWORD')).resolves.toBe('value');
    await expect(secrets.get('LOG_LEVEL')).resolves.toBe('debug');
    await expect(secrets.get('API_KEY')).resolves.toBeUndefined();
    expect(aws.inputsOf('Decrypt')).toEqual([
      {
        KeyId: 'alias/app',
        CiphertextBlob: process.env.DB_PASSWORD,
        EncryptionContext: { app: 'payments' },
      },
    ]);
    await closeApplications();
    await aws.stop();
  });

  it('decrypts with a function', async () => {
    process.env = { ...environment, SEALED: 'sealed:value' };

    const manager = withAFunction((sealed) => Promise.resolve(sealed.slice('sealed:'.length)));

    await expect(manager.readSecret('SEALED')).resolves.toMatchObject({ value: 'value' });
  });

  it('has options that are right, but for what the machine of the test lacks', async () => {
    const ciphers = [withTransit(), withGoogle()];
    const problems = ciphers.map(async (cipher) => await cipher.validate?.());

    const [ofVault, ofGoogle] = await Promise.allSettled(problems);

    expect(String((ofVault as PromiseRejectedResult).reason)).toMatch(
      /not right:\n- auth\.jwtFile .* cannot be read[^\n]*$/,
    );
    expect(ofGoogle?.status).toBe('fulfilled');
    for (const cipher of ciphers) await cipher.close?.();
  });
});
