import { Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  InjectSecret,
  SECRET_MANAGER,
  Secret,
  SecretManagerModule,
  SecretsService,
  VirtualKeysService,
} from 'nestjs-custom-secret-manager';
import { SyncHttp } from 'nestjs-custom-secret-manager/sync';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';

class Closing extends InMemorySecretManager {
  closed = 0;

  constructor() {
    super({ NAME: 'of the store' });
  }

  override close(): void {
    this.closed += 1;
  }
}

@Injectable()
class Consumer {
  constructor(
    readonly secrets: SecretsService,
    @InjectSecret('NAME') readonly secret: Secret,
  ) {}
}

const root = (store = new Closing()) =>
  SecretManagerModule.forRoot({ manager: { useFactory: () => store }, environment: {} });

const codeOf = async (start: Promise<unknown>): Promise<unknown> =>
  await start.catch((error: { code?: unknown }) => error.code);

describe('an application in a test runner without configuration', () => {
  it('reads from the store of the test, by the service and by a handle', async () => {
    const module = await Test.createTestingModule({
      imports: [root(), SecretManagerModule.forFeature(['NAME'])],
      providers: [Consumer],
    })
      .overrideProvider(SECRET_MANAGER)
      .useValue(new InMemorySecretManager({ NAME: 'of the test' }))
      .compile();
    const app = await module.init();

    const { secrets, secret } = app.get(Consumer);
    const values = [await secrets.get('NAME'), secret.reveal()];
    await app.close();

    expect(values).toEqual(['of the test', 'of the test']);
    expect(secrets instanceof SecretsService && secret instanceof Secret).toBe(true);
  });

  it('finds the worker of synchronous reads', async () => {
    const http = new SyncHttp();

    expect(() => http.start()).not.toThrow();
    await http.close();
  });

  it('reports the health of the store by Terminus', async () => {
    const module = await Test.createTestingModule({
      imports: [root(), TerminusModule],
      providers: [SecretManagerHealthIndicator],
    }).compile();
    const app = await module.init();

    const { secrets } = await app.get(SecretManagerHealthIndicator).isHealthy('secrets');
    await app.close();

    expect(secrets?.status).toBe('up');
  });

  it('names the missing package of a sub-path', async () => {
    const subPath = 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';

    const message = await import(subPath).catch((error: Error) => error.message);

    expect(message).toContain('@aws-sdk/client-secrets-manager');
  });

  it.each<[string, object]>([
    ['a bare import', { imports: [SecretManagerModule], providers: [Consumer] }],
    ['SecretsService in `providers`', { providers: [SecretsService] }],
    ['VirtualKeysService in `providers`', { imports: [root()], providers: [VirtualKeysService] }],
    ['a feature without a manager', { imports: [SecretManagerModule.forFeature(['NAME'])] }],
  ])('is warned about %s', async (_, metadata) => {
    const code = await codeOf(Test.createTestingModule(metadata).compile());

    expect(code).toBe('MISCONFIGURED');
  });

  it('closes a manager that a lazily loaded module registers', async () => {
    const store = new Closing();
    const module = await Test.createTestingModule({}).compile();
    const app = await module.init();
    class Lazy {}
    Module({ imports: [root(store)] })(Lazy);
    const lazy = await app.get(LazyModuleLoader).load(() => Lazy);
    const value = await lazy.get(SecretsService, { strict: false }).get('NAME');

    await app.close();

    expect([value, store.closed]).toEqual(['of the store', 1]);
  });
});
