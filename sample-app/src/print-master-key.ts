import { Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import {
  SecretManagerModule,
  SecretsService,
  isSecretManagerError,
} from 'nestjs-custom-secret-manager';
import { chooseStore } from './store/choose-store';

/** Gives access to the store, and only to its master key. */
@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    SecretManagerModule.forRootAsync({
      manager: { inject: [ConfigService], useFactory: chooseStore },
      inject: [ConfigService],
      useFactory: (environment: ConfigService) => ({
        environment,
        settings: { hostedKeys: ['MASTER_KEY'] },
      }),
    }),
  ],
})
class MasterKeyModule {}

/** Prints only the master key, for use in a shell. */
async function print(): Promise<void> {
  const app = await NestFactory.createApplicationContext(MasterKeyModule, { logger: ['error'] });
  try {
    console.log(await app.get(SecretsService).getOrThrow('MASTER_KEY'));
  } catch (error) {
    console.error(isSecretManagerError(error) ? error.message : 'The store cannot be read.');
    process.exitCode = 1;
  } finally {
    await app.close();
  }
}

void print();
