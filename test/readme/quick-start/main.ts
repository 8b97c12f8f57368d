import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks(); // lets the library revoke tokens and leases at SIGTERM
  await app.listen(process.env.PORT ?? 3000);
}

void bootstrap();
