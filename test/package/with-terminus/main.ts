import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import {
  HealthCheck,
  HealthCheckService,
  TerminusModule,
  type HealthCheckResult,
} from '@nestjs/terminus';
import {
  CustomSecretManager,
  InjectSecret,
  SECRET_MANAGER,
  Secret,
  SecretManagerError,
  SecretManagerModule,
  SecretsService,
  type OperationOptions,
} from 'nestjs-custom-secret-manager';
import { EnvironmentSecretManager } from 'nestjs-custom-secret-manager/drivers/environment';
import { requestSync } from 'nestjs-custom-secret-manager/sync';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import 'reflect-metadata';

@Injectable()
class StoreSecretManager extends CustomSecretManager {
  isUp = true;

  constructor(private readonly config: ConfigService) {
    super('store');
  }

  override async readSecret(
    name: string,
    _options?: OperationOptions,
  ): Promise<string | undefined> {
    return name === 'IN_STORE' ? this.config.get<string>('GREETING') : undefined;
  }

  override async checkHealth(): Promise<boolean> {
    if (!this.isUp) throw new SecretManagerError('UNAVAILABLE', 'The store is down.');
    return true;
  }
}

@Controller()
class AppController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly store: SecretManagerHealthIndicator,
    readonly secrets: SecretsService,
    @InjectSecret('IN_STORE') readonly secret: Secret,
  ) {}

  @Get('health')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.store.isHealthy('secrets')]);
  }
}

@Module({
  imports: [
    ConfigModule.forRoot({
      isGlobal: true,
      ignoreEnvFile: true,
      load: [() => ({ GREETING: 'hello' })],
    }),
    SecretManagerModule.forRoot({
      manager: StoreSecretManager,
      environment: { IN_ENVIRONMENT: 'fallback' },
    }),
    SecretManagerModule.forRootAsync({
      name: 'other',
      manager: { useFactory: () => new InMemorySecretManager({ OTHER: 'of the other' }) },
      useFactory: () => ({ preload: ['OTHER'] }),
    }),
    SecretManagerModule.forRoot({
      name: 'environment',
      manager: { useClass: EnvironmentSecretManager },
    }),
    SecretManagerModule.forFeature(['IN_STORE']),
    TerminusModule.forRoot({ logger: false }),
  ],
  controllers: [AppController],
  providers: [SecretManagerHealthIndicator],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'], abortOnError: false });
  await app.listen(0, '127.0.0.1');
  const { secrets, secret } = app.get(AppController);
  const health = async (): Promise<unknown[]> => {
    const [response] = (await once(get(`${await app.getUrl()}/health`), 'response')) as [
      IncomingMessage,
    ];
    const body = JSON.parse(
      Buffer.concat(await response.toArray()).toString(),
    ) as HealthCheckResult;
    const { status, code }: Record<string, unknown> = body.details.secrets ?? {};
    return [response.statusCode, status, code];
  };

  assert.equal(await secrets.get('IN_STORE'), 'hello');
  assert.equal(await secrets.get('IN_ENVIRONMENT'), 'fallback');
  assert.equal(secret.reveal(), 'hello');
  await assert.rejects(secrets.getOrThrow('NOWHERE'), { code: 'NOT_FOUND' });
  assert.deepEqual(await health(), [200, 'up', undefined]);
  app.get<StoreSecretManager>(SECRET_MANAGER, { strict: false }).isUp = false;
  assert.deepEqual(await health(), [503, 'down', 'UNAVAILABLE']);
  assert.deepEqual(await synchronousRead(), { value: 'of a store' });
  await app.close();
  console.log('done');
}

const STORE = `
  const server = require('node:http').createServer((_, response) => response.end('{"value":"of a store"}'));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/** Reads synchronously from a store in another process, because this one blocks meanwhile. */
async function synchronousRead(): Promise<unknown> {
  const store = spawn(process.execPath, ['-e', STORE], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(store.stdout, 'data')) as [Buffer];
  const response = requestSync(`http://127.0.0.1:${port.toString().trim()}/`);
  store.kill();
  return response.json();
}

void main();
