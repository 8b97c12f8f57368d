import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import type { FleetTransport } from 'nestjs-custom-secret-manager/fleet';
import { EventedSecretManager } from './evented.secret-manager';
import { RotationWebhook } from './rotation.webhook';

/** Returns the module of one instance. */
export function instanceWith(transport: FleetTransport) {
  @Module({
    imports: [
      ConfigModule.forRoot({ ignoreEnvFile: true, isGlobal: true }),
      SecretManagerModule.forRootAsync({
        manager: { useFactory: () => new EventedSecretManager({ API_KEY: 'old' }) },
        isGlobal: true,
        inject: [ConfigService],
        useFactory: (config: ConfigService) => ({
          fleet: { transport, key: () => config.getOrThrow<string>('FLEET_KEY') },
        }),
      }),
    ],
    controllers: [RotationWebhook],
  })
  class AppModule {}
  return AppModule;
}
