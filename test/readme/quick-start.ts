import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { SecretManagerModule } from 'nestjs-custom-secret-manager';
import { ModelsController } from './app.module';
import { StoreSecretManager } from './store.secret-manager';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRoot({ manager: StoreSecretManager }),
  ],
  controllers: [ModelsController],
})
export class AppModule {}
