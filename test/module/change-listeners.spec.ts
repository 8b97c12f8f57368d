import { Controller, Injectable, Scope, type ModuleMetadata } from '@nestjs/common';
import {
  OnSecretChange,
  SecretManagerModule,
  SecretsService,
  getSecretsServiceToken,
  type SecretChange,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

describe('@OnSecretChange', () => {
  let store: InMemorySecretManager;
  let other: InMemorySecretManager;
  let told: string[];

  beforeEach(() => {
    store = new InMemorySecretManager({ KEY: 'first', TOKEN: 'first' });
    other = new InMemorySecretManager({ KEY: 'first' }, 'the-other');
    told = [];
  });

  afterEach(closeApplications);

  const start = (metadata: ModuleMetadata) =>
    startApplication({
      ...metadata,
      imports: [
        SecretManagerModule.forRoot({
          manager: { useFactory: () => store },
          preload: ['KEY', 'TOKEN'],
          environment: {},
        }),
        SecretManagerModule.forRoot({
          name: 'other',
          manager: { useFactory: () => other },
          preload: ['KEY'],
          environment: {},
        }),
      ],
    });

  const tell = (who: string, { name, manager }: SecretChange): void => {
    told.push(`${who} ${name} of ${manager}`);
  };

  it('calls methods of providers and controllers, with their instance', async () => {
    @Injectable()
    class Provider {
      readonly who = 'provider';
      @OnSecretChange(['KEY', 'TOKEN', 'LATER'])
      onChange(change: SecretChange): void {
        tell(this.who, change);
      }
    }
    @Controller()
    class OneController {
      @OnSecretChange('KEY', { managerName: 'other' })
      @OnSecretChange('KEY')
      onChange(change: SecretChange): void {
        tell('controller', change);
      }
    }
    const app = await start({
      providers: [Provider, { provide: 'alias', useExisting: Provider }],
      controllers: [OneController],
    });

    store.rotate('KEY', 'second');
    store.rotate('TOKEN', 'second');
    other.rotate('KEY', 'second');
    await app.get(SecretsService).refresh();
    await app.get<SecretsService>(getSecretsServiceToken('other')).refresh();

    expect(told.sort()).toEqual([
      'controller KEY of in-memory',
      'controller KEY of the-other',
      'provider KEY of in-memory',
      'provider TOKEN of in-memory',
    ]);
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])(
    'keeps an application from starting on a provider of scope %s',
    async (scope) => {
      @Injectable({ scope })
      class Provider {
        @OnSecretChange('KEY')
        onChange(change: SecretChange): void {
          tell('nobody', change);
        }
      }

      const { code, message } = await failureOf(start({ providers: [Provider] }));

      expect(code).toBe('MISCONFIGURED');
      expect(message).toContain('Provider.onChange()');
    },
  );

  it('keeps an application from starting for a manager that is not registered', async () => {
    @Injectable()
    class Provider {
      @OnSecretChange('KEY', { managerName: 'missing' })
      onChange(change: SecretChange): void {
        tell('nobody', change);
      }
    }

    const { code, message } = await failureOf(start({ providers: [Provider] }));

    expect(code).toBe('MISCONFIGURED');
    expect(message).toMatch(/"missing".*"default", "other"/);
  });

  it('keeps an application from starting for a wrong name', async () => {
    @Injectable()
    class Provider {
      @OnSecretChange(['KEY', ''])
      onChange(change: SecretChange): void {
        tell('nobody', change);
      }
    }

    const { code } = await failureOf(start({ providers: [Provider] }));

    expect(code).toBe('INVALID_ARGUMENT');
  });

  it('calls a method once for two forms of one name', async () => {
    @Injectable()
    class Provider {
      @OnSecretChange(['KEY', 'os.environ/KEY'])
      @OnSecretChange('KEY')
      onChange(change: SecretChange): void {
        tell('provider', change);
      }
    }
    const app = await start({ providers: [Provider] });

    store.rotate('KEY', 'second');
    await app.get(SecretsService).refresh();

    expect(told).toEqual(['provider KEY of in-memory']);
  });

  it.each([
    ['KEY', 'missing'],
    ['', undefined],
    [undefined as unknown as string, undefined],
  ])('closes every manager if the start fails for (%p, %p)', async (name, managerName) => {
    @Injectable()
    class Provider {
      @OnSecretChange(name, { managerName })
      onChange(change: SecretChange): void {
        tell('nobody', change);
      }
    }
    const closed = [store, other].map((manager) => jest.spyOn(manager, 'close'));

    await failureOf(start({ providers: [Provider] }));

    expect(closed.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });

  it('passes by a provider that has every property', async () => {
    const mock: object = new Proxy(() => undefined, {
      get: (_, property) => (property === 'then' ? undefined : mock),
    });
    const everything = new Proxy(
      {},
      { get: (_, property): unknown => Reflect.get(mock, property) },
    );

    await expect(
      start({ providers: [{ provide: 'mock', useFactory: () => everything }] }),
    ).resolves.toBeDefined();
  });

  it.each<[string, () => unknown]>([
    ['a static method', () => declareOn(class {}, 'method', () => undefined)],
    ['a symbol', () => declareOn({}, Symbol('method'), () => undefined)],
    ['an accessor', () => declareOn({}, 'method', undefined)],
  ])('refuses %s, which it would not find', async (_, declare) => {
    const { code, message } = await failureOf(declare);

    expect(code).toBe('MISCONFIGURED');
    expect(message).toContain('method');
  });
});

function declareOn(target: object, method: string | symbol, value: unknown): void {
  OnSecretChange('KEY')(target, method, { value });
}
