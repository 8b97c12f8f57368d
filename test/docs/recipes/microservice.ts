import { NestFactory } from '@nestjs/core';
import { Transport, type AsyncMicroserviceOptions } from '@nestjs/microservices';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { SecretsModule } from './secrets.module';

/** Nest calls this factory after the start of the modules, and does not await it. */
export const options: AsyncMicroserviceOptions = {
  inject: [SecretsService],
  useFactory: (secrets: SecretsService) => ({
    transport: Transport.REDIS,
    options: {
      host: 'redis.example.com',
      password: secrets.secret('REDIS_PASSWORD').reveal(), // `preload` has read it
    },
  }),
};

export async function bootstrap(): Promise<void> {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    SecretsModule,
    options,
  );
  app.enableShutdownHooks();
  await app.listen();
}
