import { Module, type DynamicModule } from '@nestjs/common';
import { LazyModuleLoader, type ModuleRef } from '@nestjs/core';
import type { TestingModule } from '@nestjs/testing';
import {
  Secret,
  SecretManagerModule,
  SecretsService,
  getSecretToken,
  getSecretsServiceToken,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

class Closing extends InMemorySecretManager {
  closed = 0;

  override close(): void {
    this.closed += 1;
  }
}

const storeWith = (): Closing => new Closing({ KEY: 'value' }, 'store');

function rootOf(store: Closing, name?: string): DynamicModule {
  return SecretManagerModule.forRoot({
    manager: { useFactory: () => store },
    name,
    environment: {},
  });
}

async function load(app: TestingModule, ...imports: DynamicModule[]): Promise<ModuleRef> {
  @Module({ imports })
  class Lazy {}
  return await app.get(LazyModuleLoader).load(() => Lazy);
}

describe('a manager that is registered in a lazily loaded module', () => {
  afterEach(closeApplications);

  it('answers, and is closed once with the application', async () => {
    const store = storeWith();
    const app = await startApplication({});
    const lazy = await load(app, rootOf(store));
    const secrets = lazy.get(SecretsService, { strict: false });
    const value = await secrets.get('KEY');

    await app.close();
    await app.close();

    expect(value).toBe('value');
    expect(store.closed).toBe(1);
    await expect(failureOf(secrets.get('KEY'))).resolves.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is closed together with earlier ones', async () => {
    const stores = [storeWith(), storeWith(), storeWith()] as const;
    const app = await startApplication({ imports: [rootOf(stores[0])] });
    await load(app, rootOf(stores[1], 'second'));
    await load(app, rootOf(stores[2], 'third'));

    await app.close();

    expect(stores.map(({ closed }) => closed)).toEqual([1, 1, 1]);
  });

  it('is closed if its options come from forRootAsync', async () => {
    const store = storeWith();
    const app = await startApplication({});
    const root = SecretManagerModule.forRootAsync({
      manager: { useFactory: () => store },
      useFactory: async () => ({ preload: ['KEY'] }),
    });
    await load(app, root);

    await app.close();

    expect(store.closed).toBe(1);
  });

  it('is closed at once if it does not start', async () => {
    const store = storeWith();
    const app = await startApplication({});
    const root = SecretManagerModule.forRoot({
      manager: { useFactory: () => store },
      environment: {},
      preload: ['MISSING'],
    });

    const error = await failureOf(load(app, root));

    expect(error.code).toBe('NOT_FOUND');
    expect(store.closed).toBe(1);
  });

  it('is refused under a taken name', async () => {
    const app = await startApplication({ imports: [rootOf(storeWith(), 'billing')] });

    const error = await failureOf(load(app, rootOf(storeWith(), 'billing')));

    expect(error.code).toBe('MISCONFIGURED');
    expect(app.get(getSecretsServiceToken('billing'), { strict: false })).toBeInstanceOf(
      SecretsService,
    );
  });
});

describe('forFeature in a lazily loaded module', () => {
  afterEach(closeApplications);

  it('loads its handles from the manager of the application', async () => {
    const app = await startApplication({ imports: [rootOf(storeWith())] });
    const lazy = await load(app, SecretManagerModule.forFeature(['KEY']));

    const handle = lazy.get<Secret>(getSecretToken('KEY'), { strict: false });

    expect(handle.reveal()).toBe('value');
  });

  it('does not close the manager of the application if it fails', async () => {
    const store = storeWith();
    const app = await startApplication({ imports: [rootOf(store)] });

    const error = await failureOf(load(app, SecretManagerModule.forFeature(['MISSING'])));

    expect(error.code).toBe('NOT_FOUND');
    expect(store.closed).toBe(0);
    await expect(app.get(SecretsService).get('KEY')).resolves.toBe('value');
  });
});
