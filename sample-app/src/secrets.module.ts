import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { ModelList } from './config/model-list';
import { ModelListModule } from './config/model-list.module';
import { VIRTUAL_KEYS } from './keys/stored-keys';
import { chooseStore } from './store/choose-store';

/** The configuration of the secret layer. */
@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRootAsync({
      manager: { inject: [ConfigService], useFactory: chooseStore },
      isGlobal: true,
      imports: [ModelListModule],
      inject: [ConfigService, ModelList],
      useFactory: (environment: ConfigService, models: ModelList) => ({
        environment,
        preload: models.secretNames,
        settings: {
          accessMode: 'read_and_write',
          storeVirtualKeys: true,
          prefixForStoredVirtualKeys: VIRTUAL_KEYS,
        },
        // changes of another instance take effect within a minute
        cache: { ttlMs: 30_000, staleWhileRevalidateMs: 30_000 },
      }),
    }),
  ],
})
export class SecretsModule {}
