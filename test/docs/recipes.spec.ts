import type { ModuleMetadata } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Test, type TestingModule } from '@nestjs/testing';
import { SECRET_MANAGER, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeApplications, closeLater } from '../support/application';
import type { RedisOptions } from './fakes/microservices';
import { PostgresServer } from './fakes/postgres-server';
import { AuthModule } from './recipes/auth.module';
import { BillingClientModule } from './recipes/billing-client.module';
import { options as microservice } from './recipes/microservice';
import { Database, PgModule } from './recipes/pg.module';
import { run } from './recipes/script';
import { SecretsModule } from './recipes/secrets.module';

// this package is no dependency of this repository: a fake with the same options stands in for it
jest.mock('@nestjs/microservices', () => jest.requireActual<object>('./fakes/microservices'), {
  virtual: true,
});

let store: InMemorySecretManager;
let app: TestingModule;

/** Starts a recipe with the module of the secrets, on a store in memory. */
async function start(...recipe: NonNullable<ModuleMetadata['imports']>): Promise<TestingModule> {
  const imports = [SecretsModule, ...recipe];
  const module = await Test.createTestingModule({ imports })
    .overrideProvider(SECRET_MANAGER)
    .useValue(store)
    .compile();
  app = closeLater(await module.init());
  return app;
}

/** Replaces a secret in the store, and makes the application read it again. */
async function rotate(secretName: string, value: string): Promise<void> {
  store.rotate(secretName, value);
  await app.get(SecretsService).refresh(secretName);
}

describe('the recipes', () => {
  const environment = process.env;

  beforeEach(() => {
    process.env = { ...environment };
    store = new InMemorySecretManager({
      DB_PASSWORD: 'first',
      JWT_SECRET: 'first',
      REDIS: '{"username":"app","password":"of redis"}',
      REDIS_PASSWORD: 'of redis',
    });
  });

  afterEach(async () => {
    await closeApplications();
    process.env = environment;
  });

  it('log in to PostgreSQL with the current password at each new connection', async () => {
    const server = new PostgresServer();
    const PGPORT = String(await server.start());
    Object.assign(process.env, { PGHOST: '127.0.0.1', PGPORT, PGUSER: 'app', PGDATABASE: 'app' });
    const { pool } = (await start(PgModule)).get(Database);
    const before = await pool.connect();

    await rotate('DB_PASSWORD', 'second');
    const after = await pool.connect();
    [before, after].forEach((connection) => connection.release());
    await closeApplications();
    await server.stop();

    expect(server.passwords).toEqual(['first', 'second']);
  });

  it('sign with the current secret, and verify with the former one, too', async () => {
    const tokens = (await start(AuthModule)).get(JwtService, { strict: false });
    const old = await tokens.signAsync({ sub: 'ada' });

    await rotate('JWT_SECRET', 'second');
    const fresh = await tokens.signAsync({ sub: 'bob' });

    expect(await tokens.verifyAsync(old)).toMatchObject({ sub: 'ada' });
    expect(await tokens.verifyAsync(fresh)).toMatchObject({ sub: 'bob' });
    expect(new JwtService().verify(fresh, { secret: 'second' })).toMatchObject({ sub: 'bob' });
  });

  it('connect the client of a microservice with a password from the store', async () => {
    const client = (await start(BillingClientModule)).get<RedisOptions>('BILLING');

    expect(client.options.password).toBe('of redis');
  });

  it('start a microservice with a preloaded password', async () => {
    const { useFactory, inject } = microservice;
    await start();

    const { options } = useFactory(...inject.map((token) => app.get<unknown>(token)));

    expect(options.password).toBe('of redis');
  });

  it('run a script that reads one secret and ends', async () => {
    const values = createServer((_, response) => response.end('sk-1234'));
    await new Promise<void>((resolve) => values.listen(0, '127.0.0.1', resolve));
    process.env.STORE_URL = `http://127.0.0.1:${(values.address() as AddressInfo).port}`;
    const log = jest.spyOn(console, 'log').mockReturnValue();

    await run();
    const lines = log.mock.calls.flat();
    log.mockRestore();
    values.close();
    values.closeAllConnections();

    expect(lines).toEqual(['the key has 7 characters']);
  });
});
