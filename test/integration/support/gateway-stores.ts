import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/temporary-folder';
import { CREDENTIALS, REGION, startMoto } from './moto';
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
