import { type ConfigService } from '@nestjs/config';
import { type CustomSecretManager } from 'nestjs-custom-secret-manager';
import { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { TeamSecretManager } from '../team.secret-manager';
import { makeEmbeddedStore } from './embedded-store';

/**
 * Chooses the store by the environment:
 *
 * | variables                                     | store                                                 |
 * | --------------------------------------------- | ----------------------------------------------------- |
 * | `STORE_ADDR`, `STORE_TOKEN`, `STORE_MOUNT`    | the manager that a team has written itself            |
 * | `VAULT_ADDR`, `VAULT_TOKEN`, ... or `BAO_...` | HashiCorp Vault or OpenBao                            |
 * | `SECRET_STORE=aws`, `AWS_REGION`, ...         | AWS Secrets Manager                                   |
 * | none of them                                  | one encrypted file in `DATA_DIR`, made at first start |
 */
export function chooseStore(
  config: ConfigService,
): CustomSecretManager | Promise<CustomSecretManager> {
  const isSet = (...names: string[]): boolean => names.some((name) => config.get(name));
  if (isSet('STORE_ADDR', 'STORE_TOKEN')) return new TeamSecretManager(config);
  if (isSet('VAULT_ADDR', 'VAULT_TOKEN', 'BAO_ADDR', 'BAO_TOKEN'))
    return VaultSecretManager.fromEnvironment();
  if (config.get('SECRET_STORE') === 'aws') return new AwsSecretManager();
  return makeEmbeddedStore(config.get<string>('DATA_DIR'));
}
