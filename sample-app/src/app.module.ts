import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { createSecretManager } from './create-secret-manager';
import { HealthController } from './health.controller';
import { SecretManagerErrorFilter } from './secret-manager-error.filter';
import { SecretsController } from './secrets.controller';
import { SigningController } from './signing.controller';
import { UnreadableBodyFilter } from './unreadable-body.filter';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRootAsync({
      manager: { inject: [ConfigService], useFactory: createSecretManager },
      inject: [ConfigService],
      useFactory: (environment: ConfigService) => ({
        environment,
        settings: { accessMode: 'read_and_write' },
      }),
    }),
    SecretManagerModule.forFeature(['SIGNING_KEY']),
    TerminusModule,
  ],
  controllers: [SigningController, SecretsController, HealthController],
  providers: [
    SecretManagerHealthIndicator,
    { provide: APP_FILTER, useClass: SecretManagerErrorFilter },
    { provide: APP_FILTER, useClass: UnreadableBodyFilter },
  ],
})
export class AppModule {}
