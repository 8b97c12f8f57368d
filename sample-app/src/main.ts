import { Logger } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { AppModule } from './app.module';
import { GATEWAY_OPTIONS } from './http/gateway-options';
import { firstSteps } from './first-steps';

async function start(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, GATEWAY_OPTIONS);
  app.enableShutdownHooks([], { useProcessExit: true });
  const logger = new Logger('Gateway');
  const config = app.get(ConfigService);
  const port = config.get<string>('PORT') ?? '3000';
  const host = config.get<string>('HOST') ?? '127.0.0.1';
  try {
    await app.listen(Number(port), host);
  } catch (error) {
    logger.error(listenProblem(error, host, port));
    process.exitCode = 1;
    return await app.close();
  }
  const url = await app.getUrl();
  const store = app.get(SecretsService).managerName;
  logger.log(
    `The gateway listens at ${url}, with its keys in ${store}. Try:\n\n${firstSteps(url)}\n`,
  );
}

function listenProblem(error: unknown, host: string, port: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE') return `Cannot listen on ${host}, port ${port}: ${code}.`;
  return `Port ${port} of ${host} is in use. Choose another: PORT=3001 npm start`;
}

void start();
