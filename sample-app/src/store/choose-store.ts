import { type ConfigService } from '@nestjs/config';
import { SecretManagerError, type CustomSecretManager } from 'nestjs-custom-secret-manager';
import { AwsParameterStoreSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { AzureKeyVaultSecretManager } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { ConjurSecretManager } from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import { GoogleSecretManager } from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { TeamSecretManager } from '../team.secret-manager';
import { makeDecryptingStore } from './decrypting-store';
import { makeEmbeddedStore } from './embedded-store';

type MakeStore = (config: ConfigService) => CustomSecretManager | Promise<CustomSecretManager>;

/**
 * The stores by `SECRET_STORE`. Each takes the variables of its vendor's own tools.
 *
 * | `SECRET_STORE`            | further variables                                                                   |
 * | ------------------------- | ----------------------------------------------------------------------------------- |
 * | `aws-secrets-manager`     | those of AWS; `aws` is the same store                                               |
 * | `aws-parameter-store`     | those of AWS, `PARAMETER_PREFIX`                                                    |
 * | `google-secret-manager`   | those of Google, `GOOGLE_SECRET_MANAGER_ENDPOINT`                                   |
 * | `azure-key-vault`         | those of Microsoft, `AZURE_KEY_VAULT_URI`, `AZURE_TRUSTED_HOSTS` (comma-separated)  |
 * | `cyberark-conjur`         | those of CyberArk, `CONJUR_POLICY_BRANCH` (default: `root`)                         |
 * | `decrypting`              | values of the encrypted file under a key: `AWS_KMS_KEY_ID`, `GOOGLE_KMS_KEY`, or a  |
 * |                           | `VAULT_TRANSIT_KEY` with `VAULT_ADDR` and `VAULT_TOKEN`                             |
 * | `hashicorp-vault`         | `VAULT_ADDR`, `VAULT_TOKEN`, ..., or `BAO_...`                                      |
 * | `team-store`              | `STORE_ADDR`, `STORE_TOKEN`, `STORE_MOUNT`: the manager that a team has written     |
 * | `encrypted-file`          | `DATA_DIR`; made at the first start                                                 |
 */
const STORES: Readonly<Record<string, MakeStore>> = {
  aws: () => new AwsSecretManager(),
  'aws-secrets-manager': () => new AwsSecretManager(),
  'aws-parameter-store': (config) =>
    AwsParameterStoreSecretManager.fromEnvironment(process.env, {
      pathPrefix: config.get<string>('PARAMETER_PREFIX'),
    }),
  'google-secret-manager': (config) =>
    GoogleSecretManager.fromEnvironment(process.env, {
      endpoint: config.get<string>('GOOGLE_SECRET_MANAGER_ENDPOINT'),
      mapName: 'dashes', // the names of virtual keys have a slash
    }),
  'azure-key-vault': (config) =>
    AzureKeyVaultSecretManager.fromEnvironment(process.env, {
      trustedHosts: config.get<string>('AZURE_TRUSTED_HOSTS')?.split(','),
      mapName: 'dashes',
    }),
  'cyberark-conjur': (config) =>
    ConjurSecretManager.fromEnvironment(process.env, {
      policyBranch: config.get<string>('CONJUR_POLICY_BRANCH', 'root'),
    }),
  decrypting: makeDecryptingStore,
  'hashicorp-vault': () => VaultSecretManager.fromEnvironment(),
  'team-store': (config) => new TeamSecretManager(config),
  'encrypted-file': (config) => makeEmbeddedStore(config.get<string>('DATA_DIR')),
};

/**
 * Makes the store that `SECRET_STORE` names. Without it the variables of an address decide: `STORE_ADDR`, then
 * `VAULT_ADDR` or `BAO_ADDR`, else one encrypted file.
 */
export function chooseStore(
  config: ConfigService,
): CustomSecretManager | Promise<CustomSecretManager> {
  const named = config.get<string>('SECRET_STORE');
  const name = named === undefined || named === '' ? storeOfAddress(config) : named;
  const make = Object.hasOwn(STORES, name) ? STORES[name] : undefined;
  if (make !== undefined) return make(config);
  const known = Object.keys(STORES).join(', ');
  throw new SecretManagerError(
    'MISCONFIGURED',
    `SECRET_STORE is ${JSON.stringify(name)}, which is no store of the gateway. There are ${known}.`,
  );
}

function storeOfAddress(config: ConfigService): string {
  const isSet = (...names: string[]): boolean => names.some((name) => config.get(name));
  if (isSet('STORE_ADDR', 'STORE_TOKEN')) return 'team-store';
  if (isSet('VAULT_ADDR', 'VAULT_TOKEN', 'BAO_ADDR', 'BAO_TOKEN')) return 'hashicorp-vault';
  return 'encrypted-file';
}
