import { NestFactory } from '@nestjs/core';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { SecretsModule } from './secrets.module';

export async function run(): Promise<void> {
  const app = await NestFactory.createApplicationContext(SecretsModule, { logger: false });
  try {
    const apiKey = await app.get(SecretsService).getOrThrow('OPENAI_API_KEY');
    console.log(`the key has ${apiKey.length} characters`);
  } finally {
    await app.close(); // closes the manager; the process can end
  }
}
