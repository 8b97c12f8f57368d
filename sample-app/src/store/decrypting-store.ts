import { type ConfigService } from '@nestjs/config';
import { SecretManagerError } from 'nestjs-custom-secret-manager';
import {
  DecryptingSecretManager,
  awsKms,
  googleKms,
  vaultTransit,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { join } from 'node:path';

/** Opens an encrypted file whose values are ciphertext of a key service, too. */
export function makeDecryptingStore(config: ConfigService): DecryptingSecretManager {
  const folder = config.get<string>('DATA_DIR', '.data');
  const [path, keyFile] = [join(folder, 'secrets'), join(folder, 'secrets.key')];
  const cipher = cipherOf(config);
  const inner = new EncryptedFileSecretManager({ path, keyFile });
  return new DecryptingSecretManager({ inner, decrypt: cipher, encrypt: cipher });
}

function cipherOf(config: ConfigService) {
  const variable = (name: string): string => config.get<string>(name) ?? '';
  if (variable('AWS_KMS_KEY_ID')) return awsKms({ keyId: variable('AWS_KMS_KEY_ID') });
  if (variable('GOOGLE_KMS_KEY')) return googleKms({ key: variable('GOOGLE_KMS_KEY') });
  if (variable('VAULT_TRANSIT_KEY')) {
    return vaultTransit({
      address: variable('VAULT_ADDR'),
      auth: { method: 'token', token: variable('VAULT_TOKEN') },
      key: variable('VAULT_TRANSIT_KEY'),
    });
  }
  throw new SecretManagerError(
    'MISCONFIGURED',
    'SECRET_STORE is "decrypting", which needs a key: set AWS_KMS_KEY_ID, GOOGLE_KMS_KEY or VAULT_TRANSIT_KEY.',
  );
}
