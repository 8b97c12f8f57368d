import { Inject, Injectable, Module, type Type } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import {
  InjectSecret,
  InjectSecrets,
  InjectVirtualKeys,
  Secret,
  SecretManagerModule,
  SecretsService,
  VirtualKeysService,
  getSecretManagerToken,
  type CustomSecretManager,
} from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

class Store extends InMemorySecretManager {
  constructor() {
    super({ KEY: 'value' }, 'store');
  }
}

@Injectable()
class Consumer {
  constructor(readonly secrets: SecretsService) {}
}

@Injectable()
class Address {}

@Module({ providers: [Address], exports: [Address] })
class AddressModule {}

@Injectable()
class NeedsAddress extends Store {
  constructor(readonly address: Address) {
    super();
  }
}

@Injectable()
class Helper {
  constructor(readonly address: Address) {}
}

@Injectable()
class NeedsHelper extends Store {
  constructor(readonly helper: Helper) {
    super();
  }
}

const root = (isGlobal = true) => SecretManagerModule.forRoot({ manager: Store, isGlobal });
const IN_ROOT = /SecretManagerModule\.forRoot\(\{ manager, isGlobal: true \}\) in the root module/;

/** Returns the text of the error that prevents the start, with Nest's own message. */
async function textOf(start: Promise<unknown>): Promise<string> {
  return await start.then(
    () => '',
    (error: Error) => error.message,
  );
}

describe('a provider in the wrong place', () => {
  afterEach(closeApplications);

  it.each<[string, Type]>([
    ['SecretsService', SecretsService],
    ['VirtualKeysService', VirtualKeysService],
  ])(
    'is reported for %s in `providers`, with a registration and without',
    async (name, service) => {
      @Module({ providers: [service] })
      class Feature {}

      const errors = [
        await failureOf(startApplication({ imports: [Feature] })),
        await failureOf(startApplication({ imports: [root(), Feature] })),
      ];

      for (const error of errors) {
        expect(error.code).toBe('MISCONFIGURED');
        expect(error.message).toContain(`${name} stands in \`providers\``);
        expect(error.message).toMatch(IN_ROOT);
        expect(error.message).toContain('exports: [SecretManagerModule]');
      }
    },
  );

  it('is reported for Secret in `providers`', async () => {
    const error = await failureOf(startApplication({ providers: [Secret as unknown as Type] }));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/forFeature\(\[name\]\).*@InjectSecret\(name\)/);
  });

  it.each<[string, () => unknown[]]>([
    ['alone', () => []],
    ['beside a registration that is not global', () => [root(false)]],
    ['beside a global registration', () => [root()]],
  ])('is reported for a bare import, %s', async (_, others) => {
    @Module({ imports: [SecretManagerModule], providers: [Consumer] })
    class Feature {}

    const errors = [
      await failureOf(startApplication({ imports: [...(others() as Type[]), Feature] })),
      await failureOf(startApplication({ imports: [Feature, ...(others() as Type[])] })),
      await failureOf(
        startApplication({
          imports: [SecretManagerModule, ...(others() as Type[])],
          providers: [Consumer],
        }),
      ),
    ];

    for (const error of errors) {
      expect(error.code).toBe('MISCONFIGURED');
      expect(error.message).toMatch(/^`imports: \[SecretManagerModule\]` imports nothing/);
      expect(error.message).toMatch(IN_ROOT);
      expect(error.message).toContain('exports: [SecretManagerModule]');
    }
  });

  it('is fixed by a module that re-exports SecretManagerModule', async () => {
    @Module({ imports: [root(false)], exports: [SecretManagerModule] })
    class Shared {}
    @Module({ imports: [Shared], providers: [Consumer] })
    class Feature {}

    const app = await startApplication({ imports: [Feature] });

    await expect(app.get(Consumer, { strict: false }).secrets.get('KEY')).resolves.toBe('value');
  });
});

describe('a dependency that Nest does not find', () => {
  afterEach(closeApplications);

  it.each<[string, Parameters<typeof SecretManagerModule.forRoot>[0]]>([
    ['of the manager', { manager: NeedsAddress }],
    ['of a class in useClass', { manager: { useClass: NeedsAddress } }],
    ['of a factory', { manager: { useFactory: () => new Store(), inject: [Address] } }],
    ['that is the manager itself', { manager: { useExisting: Address } }],
    ['of a named manager', { manager: NeedsAddress, name: 'billing' }],
    ['of one of extraProviders', { manager: NeedsHelper, extraProviders: [Helper] }],
  ])('%s is named, with the place to provide it', async (_, options) => {
    const text = await textOf(
      startApplication({ imports: [SecretManagerModule.forRoot(options)] }),
    );

    expect(text).toMatch(/Address/);
    expect(text).toContain('SecretManagerModule.forRoot({ imports, extraProviders })');
    expect(text).not.toContain('CoreModule');
  });

  it('of the options is named, with the place to provide it', async () => {
    const options = { manager: Store, inject: [Address], useFactory: () => ({}) };

    const text = await textOf(
      startApplication({ imports: [SecretManagerModule.forRootAsync(options)] }),
    );

    expect(text).toMatch(/Address/);
    expect(text).toContain('SecretManagerModule.forRoot({ imports, extraProviders })');
  });

  it.each<[string, Partial<Parameters<typeof SecretManagerModule.forRoot>[0]>]>([
    ['imports', { imports: [AddressModule] }],
    ['extraProviders', { extraProviders: [Address] }],
  ])('is found by %s', async (_, given) => {
    const manager: Type<CustomSecretManager> = NeedsAddress;

    const app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager, ...given })],
    });

    await expect(app.get(SecretsService).get('KEY')).resolves.toBe('value');
  });

  it.each<[string, ParameterDecorator, string]>([
    ['a handle', InjectSecret('KEY'), 'SecretManagerModule.forFeature(["KEY"])'],
    [
      'a handle by its reference',
      InjectSecret('os.environ/KEY'),
      'SecretManagerModule.forFeature(["KEY"])',
    ],
    [
      'a handle of a named manager',
      InjectSecret('KEY', 'billing'),
      'SecretManagerModule.forFeature(["KEY"], { managerName: "billing" })',
    ],
    [
      'a named service',
      InjectSecrets('billing'),
      'SecretsService of SecretManagerModule.forRoot({ name: "billing" })',
    ],
    [
      'named virtual keys',
      InjectVirtualKeys('billing'),
      'VirtualKeysService of SecretManagerModule.forRoot({ name: "billing" })',
    ],
    [
      'a named manager',
      Inject(getSecretManagerToken('billing')),
      'the manager of SecretManagerModule.forRoot({ name: "billing" })',
    ],
  ])('is explained for the provider of %s', async (_, decorator, provided) => {
    @Injectable()
    class Reader {
      constructor(readonly injected: unknown) {}
    }
    decorator(Reader, undefined, 0);

    const text = await textOf(startApplication({ imports: [root()], providers: [Reader] }));

    expect(text).toContain(provided);
  });

  it('is reported for a feature, with the registered managers', async () => {
    const feature = SecretManagerModule.forFeature(['KEY'], { managerName: 'biling' });
    const billing = SecretManagerModule.forRoot({ manager: Store, name: 'billing' });

    const error = await failureOf(startApplication({ imports: [root(), billing, feature] }));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/"KEY" found no manager.*name: 'biling'.*"default", "billing"/);
  });
});

describe('the health indicator', () => {
  afterEach(closeApplications);

  async function healthOf(imports: Type[], managerName?: string): Promise<Record<string, unknown>> {
    const app = await startApplication({
      imports: [TerminusModule, ...imports],
      providers: [SecretManagerHealthIndicator],
    });
    const result = await app
      .get(SecretManagerHealthIndicator)
      .isHealthy('secrets', { managerName });
    return result.secrets ?? {};
  }
  const named = (name?: string) =>
    SecretManagerModule.forRoot({ manager: Store, name }) as unknown as Type;

  it('names the registered managers if `managerName` is forgotten', async () => {
    const { status, code, message } = await healthOf([named('billing'), named('mail')]);

    expect([status, code]).toEqual(['down', 'MISCONFIGURED']);
    expect(message).toMatch(
      /"billing", "mail".*isHealthy\("?secrets"?, \{ managerName: "billing" \}\)/,
    );
  });

  it('names the registered managers if `managerName` is another one', async () => {
    const { code, message } = await healthOf([named(), named('mail')], 'mial');

    expect(code).toBe('MISCONFIGURED');
    expect(message).toMatch(/"mial".*"default", "mail"/);
  });

  it('reports that no manager is registered', async () => {
    const { code, message } = await healthOf([]);

    expect(code).toBe('MISCONFIGURED');
    expect(message).toMatch(/SecretManagerModule\.forRoot\(\)/);
  });

  it('is up for the manager that `managerName` names', async () => {
    const { status } = await healthOf([named('billing'), named('mail')], 'mail');

    expect(status).toBe('up');
  });

  it('needs TerminusModule, and reports that at start', async () => {
    const error = await failureOf(
      startApplication({ imports: [root()], providers: [SecretManagerHealthIndicator] }),
    );

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/import TerminusModule/i);
  });
});
