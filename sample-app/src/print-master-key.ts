import { NestFactory } from '@nestjs/core';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { SecretsModule } from './secrets.module';

/** Prints the master key, and nothing else, for a shell to take. */
async function print(): Promise<void> {
  const app = await NestFactory.createApplicationContext(SecretsModule, { logger: ['error'] });
  console.log(await app.get(SecretsService).getOrThrow('MASTER_KEY'));
  await app.close();
}

void print();
