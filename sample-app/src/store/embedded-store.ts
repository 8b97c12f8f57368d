import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';

const DATA_FOLDER = join(__dirname, '../../.data');

/**
 * Opens one encrypted file. The first start creates it, with its key and a MASTER_KEY. In production, keep key and
 * file apart.
 */
export async function makeEmbeddedStore(folder = DATA_FOLDER): Promise<EncryptedFileSecretManager> {
  const path = join(folder, 'secrets');
  const keyFile = join(folder, 'secrets.key');
  const manager = new EncryptedFileSecretManager({ path, keyFile });
  await manager.validateEnvironment();
  if ((await manager.readSecret('MASTER_KEY')) === undefined) {
    const generated = `sk-${randomBytes(32).toString('base64url')}`;
    await manager.writeSecret('MASTER_KEY', generated, { createOnly: true });
  }
  new Logger('Gateway').log(`Secrets are kept in ${path}, encrypted with the key in ${keyFile}.`);
  return manager;
}
