import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import {
  DecryptingSecretManager,
  vaultTransit,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { generateKeyPairSync } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeAzureKeyVault } from '../../support/fake-azure-key-vault';
import { CLIENT_ID, CLIENT_SECRET, TENANT } from '../../support/fake-azure-logins';
import { FakeGoogleSecretManager } from '../../support/fake-google-secret-manager';
import { temporaryFolder } from '../../support/temporary-folder';
import { CREDENTIALS, REGION, startMoto } from './moto';
import { startMotoParameters } from './moto-parameters';
import { startOpenBao, type OpenBao } from './openbao';

/** A store of the gateway, with the means to change it from outside. */
export interface GatewayStore {
  /** The variables that make the gateway use the store. */
  readonly environment: Readonly<Record<string, string>>;
  put(name: string, value: string): Promise<void>;
  /** Takes the store down. */
  fail(): Promise<void>;
  stop(): Promise<void>;
}

/** The stores by the names in the log of the gateway. */
export const GATEWAY_STORES: Readonly<Record<string, () => Promise<GatewayStore>>> = {
  'encrypted-file': encryptedFile,
  'hashicorp-vault': openbaoStore,
  'team-store': () =>
    openBao(({ address, rootToken }) => ({ STORE_ADDR: address, STORE_TOKEN: rootToken })),
  'aws-secrets-manager': moto,
  'aws-parameter-store': motoParameters,
  'google-secret-manager': google,
  'azure-key-vault': azure,
  decrypting: transit,
};

export async function encryptedFile(): Promise<GatewayStore> {
  const folder = temporaryFolder();
  const path = join(folder, 'secrets');
  const manager = new EncryptedFileSecretManager({ path, keyFile: join(folder, 'secrets.key') });
  await manager.validateEnvironment();
  return {
    environment: { DATA_DIR: folder },
    put: async (name, value) => void (await manager.writeSecret(name, value)),
    fail: async () => renameSync(path, `${path}.gone`),
    stop: () => manager.close(),
  };
}

export function openbaoStore(): Promise<GatewayStore> {
  return openBao(({ address, rootToken }) => ({ VAULT_ADDR: address, VAULT_TOKEN: rootToken }));
}

async function openBao(
  environmentOf: (bao: OpenBao) => GatewayStore['environment'],
): Promise<GatewayStore> {
  const bao = await startOpenBao();
  return {
    environment: environmentOf(bao),
    put: (name, value) => bao.put(name, value),
    fail: () => bao.stop(),
    stop: () => bao.stop(),
  };
}

async function moto(): Promise<GatewayStore> {
  const server = await startMoto();
  await server.reset();
  const known = new Set<string>();
  return {
    environment: {
      SECRET_STORE: 'aws',
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL: server.endpoint.url,
    },
    put: async (name, value) => {
      if (!known.has(name)) await server.seed(name, value);
      else
        await server.client.send(
          new PutSecretValueCommand({ SecretId: name, SecretString: value }),
        );
      known.add(name);
    },
    fail: async () => server.endpoint.reply('*', 'reset'),
    stop: () => server.stop(),
  };
}

async function motoParameters(): Promise<GatewayStore> {
  const server = await startMotoParameters();
  await server.reset();
  return {
    environment: {
      SECRET_STORE: 'aws-parameter-store',
      PARAMETER_PREFIX: '/gateway',
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL: server.endpoint.url,
    },
    put: async (name, Value) => {
      const input = {
        Name: `/gateway/${name}`,
        Value,
        Type: 'SecureString',
        Overwrite: true,
      } as const;
      await server.client.send(new PutParameterCommand(input));
    },
    fail: async () => server.endpoint.reply('*', 'reset'),
    stop: () => server.stop(),
  };
}

async function google(): Promise<GatewayStore> {
  const fake = await new FakeGoogleSecretManager().start();
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const email = 'gateway@project-1.iam.gserviceaccount.com';
  fake.logins.accounts.set(email, publicKey);
  const keyFile = join(temporaryFolder(), 'service-account.json');
  const credential = {
    type: 'service_account',
    project_id: 'project-1',
    private_key_id: 'key-1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: email,
    token_uri: 'https://oauth2.googleapis.com/token',
  };
  writeFileSync(keyFile, JSON.stringify(credential));
  return {
    environment: {
      SECRET_STORE: 'google-secret-manager',
      GOOGLE_SECRET_MANAGER_ENDPOINT: fake.address,
      GOOGLE_APPLICATION_CREDENTIALS: keyFile,
    },
    put: async (name, value) => fake.store.put(dashed(name), value),
    fail: async () => fake.fail('unavailable'),
    stop: () => fake.stop(),
  };
}

async function azure(): Promise<GatewayStore> {
  const times = { deletionMs: 60, recoveryMs: 60, recoveredMs: 60 };
  const fake = await new FakeAzureKeyVault(times).start();
  return {
    environment: {
      SECRET_STORE: 'azure-key-vault',
      AZURE_KEY_VAULT_URI: fake.url,
      AZURE_TRUSTED_HOSTS: fake.host,
      AZURE_AUTHORITY_HOST: fake.url,
      AZURE_TENANT_ID: TENANT,
      AZURE_CLIENT_ID: CLIENT_ID,
      AZURE_CLIENT_SECRET: CLIENT_SECRET,
    },
    put: async (name, value) => void fake.seed(dashed(name), value, { tags: { name } }),
    fail: async () => fake.fail('unavailable'),
    stop: () => fake.stop(),
  };
}

/** An encrypted file whose values are ciphertext of Vault transit. */
async function transit(): Promise<GatewayStore> {
  const bao = await startOpenBao();
  await bao.expect('POST', 'sys/mounts/transit', { type: 'transit' });
  await bao.expect('POST', 'transit/keys/gateway', {});
  const folder = temporaryFolder();
  const [path, keyFile] = [join(folder, 'secrets'), join(folder, 'secrets.key')];
  const auth = { method: 'token', token: bao.rootToken } as const;
  const cipher = vaultTransit({ address: bao.address, auth, key: 'gateway' });
  const inner = new EncryptedFileSecretManager({ path, keyFile });
  const manager = new DecryptingSecretManager({ inner, decrypt: cipher, encrypt: cipher });
  await manager.validateEnvironment();
  return {
    environment: {
      SECRET_STORE: 'decrypting',
      DATA_DIR: folder,
      VAULT_TRANSIT_KEY: 'gateway',
      VAULT_ADDR: bao.address,
      VAULT_TOKEN: bao.rootToken,
    },
    put: async (name, value) => void (await manager.writeSecret(name, value)),
    fail: () => bao.stop(),
    stop: async () => {
      await manager.close();
      await bao.stop();
    },
  };
}

/** The name in a store that has neither underscores nor slashes. */
function dashed(name: string): string {
  return name.replace(/[_/.]/g, '-');
}
