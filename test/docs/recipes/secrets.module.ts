import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { StoreSecretManager } from './store.secret-manager';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRoot({
      manager: StoreSecretManager,
      isGlobal: true, // every module can inject SecretsService
      preload: ['JWT_SECRET', 'REDIS', 'REDIS_PASSWORD'],
    }),
  ],
})
export class SecretsModule {}
