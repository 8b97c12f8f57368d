import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import {
  CustomSecretManager,
  SecretManagerModule,
  SecretsService,
  type ManagerBinding,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

/** A stand-in for the `HttpService` of an imported module. */
@Injectable()
class Http {
  get(url: string): string {
    return `answer of ${url}`;
  }
}

@Module({ providers: [Http], exports: [Http] })
class HttpModule {}

@Injectable()
class TeamSecretManager extends CustomSecretManager {
  constructor(
    private readonly config: ConfigService,
    private readonly http: Http,
    @Inject('TENANT') private readonly tenant: string,
  ) {
    super('team');
  }

  override async readSecret(secretName: string): Promise<string> {
    const address = this.config.getOrThrow<string>('ADDRESS');
    return this.http.get(`${address}/${this.tenant}/${secretName}`);
  }
}

const INJECTED = {
  imports: [
    ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ ADDRESS: 'store' })] }),
    HttpModule,
  ],
  extraProviders: [{ provide: 'TENANT', useValue: 'acme' }],
};

class Store extends InMemorySecretManager {
  constructor() {
    super({ KEY: 'value' }, 'store');
  }
}

@Injectable({ scope: Scope.REQUEST })
class OfRequest {}

@Injectable()
class DependentStore extends Store {
  constructor(readonly ofRequest: OfRequest) {
    super();
  }
}

@Module({ providers: [{ provide: 'SHARED', useClass: Store }], exports: ['SHARED'] })
class SharedModule {}

describe('the binding of a manager', () => {
  afterEach(closeApplications);

  it.each<[string, ManagerBinding]>([
    ['a class', Store],
    ['useClass', { useClass: Store }],
    ['useExisting', { useExisting: 'SHARED' }],
    ['useFactory', { useFactory: () => new Store() }],
    ['useFactory that is asynchronous', { useFactory: async () => new Store() }],
    [
      'useFactory with inject',
      { useFactory: (given: InMemorySecretManager) => given, inject: ['SHARED'] },
    ],
    ['useValue', { useValue: new Store() }],
  ])('can be %s', async (_, manager) => {
    const root = SecretManagerModule.forRoot({ manager, imports: [SharedModule] });

    const app = await startApplication({ imports: [root] });

    await expect(app.get(SecretsService).get('KEY')).resolves.toBe('value');
  });

  it.each<[string, ManagerBinding]>([
    ['a class', TeamSecretManager],
    ['useClass', { useClass: TeamSecretManager }],
    [
      'useFactory',
      {
        useFactory: (config: ConfigService, http: Http, tenant: string) =>
          new TeamSecretManager(config, http, tenant),
        inject: [ConfigService, Http, 'TENANT'],
      },
    ],
  ])('injects from imports and extraProviders into %s', async (_, manager) => {
    const root = SecretManagerModule.forRoot({ manager, ...INJECTED });

    const app = await startApplication({ imports: [root] });

    await expect(app.get(SecretsService).get('KEY')).resolves.toBe('answer of store/acme/KEY');
  });

  it('injects into a class of forRootAsync, too', async () => {
    const root = SecretManagerModule.forRootAsync({
      manager: TeamSecretManager,
      ...INJECTED,
      useFactory: () => ({}),
    });

    const app = await startApplication({ imports: [root] });

    await expect(app.get(SecretsService).get('KEY')).resolves.toBe('answer of store/acme/KEY');
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /no manager is given.*forRoot\(\{ manager: /],
    ['null', null, /no manager is given/],
    [
      'a class that does not extend CustomSecretManager',
      Http,
      /Http does not extend CustomSecretManager\. Extend it/,
    ],
    ['such a class as useClass', { useClass: Http }, /Http does not extend CustomSecretManager/],
    ['a name', 'vault', /must be a class, and is a string/],
    ['an instance', new Store(), /is an instance\. Give the class, or \{ useValue: instance \}/],
    ['an object of nothing', {}, /one of useClass, useExisting, useFactory, useValue/],
    [
      'a value that is no manager',
      { useValue: { readSecret: () => 'x' } },
      /useValue is an object/,
    ],
  ])('cannot be %s', async (_, manager, text) => {
    const error = await failureOf(async () =>
      startApplication({
        imports: [SecretManagerModule.forRoot({ manager: manager as ManagerBinding })],
      }),
    );

    expect(error).toMatchObject({ code: 'MISCONFIGURED', operation: 'forRoot' });
    expect(error.message).toMatch(text);
  });

  it('cannot be forgotten together with all options', async () => {
    const error = await failureOf(async () =>
      startApplication({ imports: [SecretManagerModule.forRoot(undefined as never)] }),
    );

    expect(error.message).toMatch(/no manager is given/);
  });

  it.each([
    ['useFactory', { useFactory: () => ({ readSecret: () => 'x' }) as never }],
    ['useFactory that forgets its result', { useFactory: () => undefined as never }],
    ['useExisting', { useExisting: 'OTHER' }],
  ] as [string, ManagerBinding][])(
    'prevents the start if %s gives no manager',
    async (_, manager) => {
      const extraProviders = [{ provide: 'OTHER', useValue: new Date() }];
      const root = SecretManagerModule.forRoot({ manager, extraProviders });

      const error = await failureOf(startApplication({ imports: [root] }));

      expect(error).toMatchObject({ code: 'MISCONFIGURED' });
      expect(error.message).toMatch(
        /must be an instance of a class that extends CustomSecretManager/,
      );
    },
  );

  it('prevents the start if the class does not implement readSecret', async () => {
    abstract class Half extends CustomSecretManager {}
    const root = SecretManagerModule.forRoot({ manager: Half as never });

    const error = await failureOf(startApplication({ imports: [root] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/readSecret/);
  });

  it.each([
    ['of the scope of a request', Scope.REQUEST, Store],
    ['that is transient', Scope.TRANSIENT, Store],
  ])('prevents the start if the class is one %s', async (_, scope, Base) => {
    @Injectable({ scope })
    class Scoped extends Base {}
    const root = SecretManagerModule.forRoot({ manager: Scoped });

    const error = await failureOf(startApplication({ imports: [root] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/Scoped.*scope/);
  });

  it.each<[string, ManagerBinding]>([
    ['a class', DependentStore],
    ['useClass', { useClass: DependentStore }],
    ['useExisting', { useExisting: OfRequest }],
    [
      'useFactory',
      { useFactory: (given: OfRequest) => new DependentStore(given), inject: [OfRequest] },
    ],
  ])('prevents the start if %s injects a request-scoped provider', async (_, manager) => {
    const root = SecretManagerModule.forRoot({ manager, extraProviders: [OfRequest] });

    const error = await failureOf(startApplication({ imports: [root] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/scope/);
  });

  it.each([
    ['empty', ''],
    ['a number', 5],
  ])('prevents the start if its name is %s', async (what, name) => {
    const root = SecretManagerModule.forRoot({ manager: Store, name: name as never });

    const error = await failureOf(startApplication({ imports: [root] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toContain(what);
  });
});
