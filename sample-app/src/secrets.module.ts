import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { ModelList } from './config/model-list';
import { ModelListModule } from './config/model-list.module';
import { FleetConnection } from './fleet/fleet-connection';
import { FleetModule } from './fleet/fleet.module';
import { VIRTUAL_KEYS } from './keys/stored-keys';
import { chooseStore } from './store/choose-store';

/** The configuration of the secret layer. */
@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRootAsync({
      manager: { inject: [ConfigService], useFactory: chooseStore },
      isGlobal: true,
      imports: [ModelListModule, FleetModule],
      inject: [ConfigService, ModelList, FleetConnection],
      useFactory: async (
        environment: ConfigService,
        models: ModelList,
        fleet: FleetConnection,
      ) => ({
        environment,
        preload: models.secretNames,
        settings: {
          accessMode: 'read_and_write',
          storeVirtualKeys: true,
          prefixForStoredVirtualKeys: VIRTUAL_KEYS,
        },
        // without a fleet, changes of another instance take effect within a minute
        cache: { ttlMs: 30_000, staleWhileRevalidateMs: 30_000 },
        fleet: await fleet.options(),
      }),
    }),
  ],
})
export class SecretsModule {}
