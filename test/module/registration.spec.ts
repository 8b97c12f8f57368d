import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import {
  InjectSecrets,
  SECRET_MANAGER,
  SecretManagerModule,
  SecretsService,
  getSecretManagerToken,
  getSecretsServiceToken,
  type SecretManagerModuleOptions,
  type SecretManagerOptionsFactory,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, closeLater, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

class Store extends InMemorySecretManager {
  constructor() {
    super({ KEY: 'from the store' }, 'store');
  }
}

const ONLY_OTHERS: SecretManagerModuleOptions = {
  settings: { hostedKeys: ['OTHER'] },
  environment: { KEY: 'env' },
};

@Injectable()
class OptionsFactory implements SecretManagerOptionsFactory {
  async createSecretManagerOptions(): Promise<SecretManagerModuleOptions> {
    return ONLY_OTHERS;
  }
}

@Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
class OptionsModule {}

describe('SecretManagerModule', () => {
  afterEach(closeApplications);

  it('exports SecretsService from forRoot', async () => {
    const app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager: Store })],
    });

    const value = await app.get(SecretsService).get('KEY');

    expect(value).toBe('from the store');
  });

  it('makes its options with useFactory, which may be asynchronous and inject from imports', async () => {
    const root = SecretManagerModule.forRootAsync({
      manager: Store,
      imports: [
        ConfigModule.forRoot({
          ignoreEnvFile: true,
          load: [() => ({ HOSTED: 'OTHER', KEY: 'config' })],
        }),
      ],
      inject: [ConfigService],
      useFactory: async (config: ConfigService) => ({
        settings: { hostedKeys: config.getOrThrow<string>('HOSTED').split(',') },
        environment: config,
      }),
    });
    const app = await startApplication({ imports: [root] });

    const value = await app.get(SecretsService).get('KEY');

    expect(value).toBe('config');
  });

  it('makes its options with useClass', async () => {
    const root = SecretManagerModule.forRootAsync({ manager: Store, useClass: OptionsFactory });
    const app = await startApplication({ imports: [root] });

    const value = await app.get(SecretsService).get('KEY');

    expect(value).toBe('env');
  });

  it('makes its options with useExisting', async () => {
    const root = SecretManagerModule.forRootAsync({
      manager: Store,
      imports: [OptionsModule],
      useExisting: OptionsFactory,
    });
    const app = await startApplication({ imports: [root] });

    const value = await app.get(SecretsService).get('KEY');

    expect(value).toBe('env');
  });

  it('accepts a registered configuration as its options', async () => {
    const registered = registerAs('secrets', () => ONLY_OTHERS);
    const root = SecretManagerModule.forRootAsync({ manager: Store, ...registered.asProvider() });
    const app = await startApplication({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true }), root],
    });

    const value = await app.get(SecretsService).get('KEY');

    expect(value).toBe('env');
  });

  it('refuses forRootAsync without a source of options', async () => {
    const error = await failureOf(async () =>
      startApplication({ imports: [SecretManagerModule.forRootAsync({ manager: Store })] }),
    );

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/useFactory, useClass or useExisting.*forRoot\(\)/);
  });

  it('injects the raw manager by SECRET_MANAGER, and a test swaps it there', async () => {
    const swapped = new InMemorySecretManager({ KEY: 'from the test' });
    const module = await Test.createTestingModule({
      imports: [SecretManagerModule.forRoot({ manager: Store })],
    })
      .overrideProvider(SECRET_MANAGER)
      .useValue(swapped)
      .compile();
    closeLater(await module.init());

    const value = await module.get(SecretsService).get('KEY');

    expect(value).toBe('from the test');
    expect(module.get(SECRET_MANAGER, { strict: false })).toBe(swapped);
  });

  it('exports SecretsService only to importing modules, unless isGlobal', async () => {
    @Injectable()
    class Consumer {
      constructor(readonly secrets: SecretsService) {}
    }
    @Module({ providers: [Consumer] })
    class Feature {}
    const imports = (isGlobal?: boolean) => [
      SecretManagerModule.forRoot({ manager: Store, isGlobal }),
      Feature,
    ];

    const isolated = Test.createTestingModule({ imports: imports() }).compile();
    const global = await startApplication({ imports: imports(true) });

    await expect(isolated).rejects.toThrow(/resolve dependencies of the Consumer/);
    await expect(global.get(Consumer, { strict: false }).secrets.get('KEY')).resolves.toBe(
      'from the store',
    );
  });

  it('constructs the manager once, however many modules inject the service', async () => {
    let constructed = 0;
    class Counted extends Store {
      constructor() {
        super();
        constructed += 1;
      }
    }
    const root = SecretManagerModule.forRoot({ manager: Counted, isGlobal: true });
    @Module({ imports: [root] })
    class First {}
    @Module({ imports: [root, SecretManagerModule.forFeature(['KEY'])] })
    class Second {}

    await startApplication({ imports: [First, Second] });

    expect(constructed).toBe(1);
  });
});

describe('several managers', () => {
  afterEach(closeApplications);

  it('coexist by name, each with its own options', async () => {
    @Injectable()
    class Consumer {
      constructor(
        readonly unnamed: SecretsService,
        @InjectSecrets('billing') readonly billing: SecretsService,
      ) {}
    }
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({ manager: Store }),
        SecretManagerModule.forRoot({
          name: 'billing',
          manager: { useFactory: () => new InMemorySecretManager({ KEY: 'of billing' }) },
          settings: { accessMode: 'read_and_write' },
        }),
      ],
      providers: [Consumer],
    });
    const { unnamed, billing } = app.get(Consumer);

    await billing.set('NEW', 'written');

    await expect(unnamed.get('KEY')).resolves.toBe('from the store');
    await expect(billing.get('KEY')).resolves.toBe('of billing');
    await expect(unnamed.get('NEW')).resolves.toBeUndefined();
    await expect(failureOf(unnamed.set('NEW', 'x'))).resolves.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    expect(app.get(getSecretsServiceToken('billing'), { strict: false })).toBe(billing);
    expect(getSecretsServiceToken()).toBe(SecretsService);
    expect(app.get(getSecretManagerToken('billing'), { strict: false })).toBeInstanceOf(
      InMemorySecretManager,
    );
  });

  it.each([
    ['default', undefined, undefined],
    ['billing', 'billing', 'billing'],
    ['default', undefined, 'default'],
  ])('do not start if two have the name %s (%s, %s)', async (name, one, other) => {
    const closed: string[] = [];
    class Closing extends Store {
      override close(): void {
        closed.push('closed');
      }
    }
    const of = (given: string | undefined) =>
      SecretManagerModule.forRoot({ manager: Closing, name: given });
    @Module({ imports: [of(one)] })
    class First {}
    @Module({ imports: [of(other)] })
    class Second {}

    const error = await failureOf(startApplication({ imports: [First, Second] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED', operation: 'forRoot' });
    expect(error.message).toContain(`registered 2 times with the name "${name}"`);
    expect(closed).not.toEqual([]);
  });

  it('share nothing between two applications of one process', async () => {
    const root = SecretManagerModule.forRoot({
      manager: Store,
      settings: { accessMode: 'read_and_write' },
    });
    const first = await startApplication({ imports: [root] });
    const second = await startApplication({ imports: [root] });

    await first.get(SecretsService).set('KEY', 'changed in the first');
    await first.close();

    const secrets = second.get(SecretsService);
    expect(secrets).not.toBe(first.get(SecretsService));
    await expect(secrets.get('KEY')).resolves.toBe('from the store');
  });
});
