import { type ConfigService } from '@nestjs/config';
import { type CustomSecretManager } from 'nestjs-custom-secret-manager';
import { createEmbeddedStore } from './create-embedded-store';
import { TeamSecretManager } from './team.secret-manager';

const SETTINGS = ['STORE_ADDR', 'STORE_TOKEN', 'VAULT_ADDR', 'VAULT_TOKEN'];

/** The team's store if one is configured; if none is, an embedded one, so that the sample runs anywhere. */
export function createSecretManager(
  config: ConfigService,
): CustomSecretManager | Promise<CustomSecretManager> {
  if (SETTINGS.some((name) => config.get(name) !== undefined)) return new TeamSecretManager(config);
  return createEmbeddedStore(config.get<string>('DATA_DIR'));
}
