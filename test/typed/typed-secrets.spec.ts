import {
  Controller,
  Inject,
  Injectable,
  Module,
  UseGuards,
  forwardRef,
  type CanActivate,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { IsInt, IsPort, IsString, Max, MinLength } from 'class-validator';
import {
  CustomSecretManager,
  InjectSecretsOf,
  SECRET_MANAGER,
  Secret,
  SecretManagerModule,
  SecretValue,
  SecretsService,
  getSecretsOfToken,
  type FeatureSecret,
  type SecretManagerModuleOptions,
  type SecretsClass,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { inspect } from 'node:util';
import {
  CapturedLog,
  closeApplications,
  closeLater,
  startApplication,
} from '../support/application';
import { failureOf } from '../support/failure-of';

class RdsLogin {
  @IsString() readonly host!: string;
  @IsPort() readonly port: string = '5432';
  @MinLength(8) readonly password!: string;
}

class DatabaseSecrets {
  @SecretValue('DB_PASSWORD') @MinLength(12) readonly password!: Secret;
  @SecretValue('DB_POOL_SIZE', { parse: Number, optional: true })
  @IsInt()
  @Max(100)
  readonly pool!: Secret<number> | undefined;
  @SecretValue('prod/db', { json: RdsLogin }) readonly login!: Secret<RdsLogin>;
  readonly other = 'left alone';
}

class Url {
  @SecretValue('URL') readonly url!: Secret;
}

@Injectable()
class UrlGuard implements CanActivate {
  constructor(readonly secrets: Url) {}
  canActivate(): boolean {
    return true;
  }
}

@UseGuards(UrlGuard)
@Controller()
class Guarded {}

@Injectable()
class ByForwardRef {
  constructor(@Inject(forwardRef(() => Url)) readonly secrets: Url) {}
}

const LOGIN = JSON.stringify({ host: 'db', password: 'pa55word!', extra: { a: 1 } });
const VALUES = { DB_PASSWORD: 'a-long-password', DB_POOL_SIZE: '20', 'prod/db': LOGIN };

describe('a class with @SecretValue', () => {
  let log: CapturedLog;

  beforeEach(() => {
    log = new CapturedLog();
  });

  afterEach(closeApplications);

  const start = async (
    store: InMemorySecretManager,
    secrets: SecretsClass | readonly FeatureSecret[],
    options: SecretManagerModuleOptions = {},
  ) =>
    startApplication(
      {
        imports: [
          SecretManagerModule.forRoot({
            manager: { useFactory: () => store },
            environment: {},
            ...options,
          }),
          SecretManagerModule.forFeature(secrets),
        ],
      },
      log,
    );

  it('is injected by its type, with every field loaded', async () => {
    @Injectable()
    class Repository {
      readonly seen: unknown[];
      constructor(readonly database: DatabaseSecrets) {
        this.seen = [database.password.reveal(), database.pool?.reveal(), database.login.reveal()];
      }
    }
    const store = new InMemorySecretManager(VALUES);
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({ manager: { useFactory: () => store } }),
        SecretManagerModule.forFeature(DatabaseSecrets),
      ],
      providers: [Repository],
    });

    const { seen, database } = app.get(Repository);

    expect(seen).toEqual([
      'a-long-password',
      20,
      { host: 'db', port: '5432', password: 'pa55word!' },
    ]);
    expect(seen[2]).toBeInstanceOf(RdsLogin);
    expect(Object.isFrozen(seen[2])).toBe(true);
    expect(database).toBeInstanceOf(DatabaseSecrets);
    expect(database.password).toBeInstanceOf(Secret);
    expect(database.other).toBe('left alone');
    await expect(database.pool?.get()).resolves.toBe(20);
  });

  it('shows names only', async () => {
    const app = await start(new InMemorySecretManager(VALUES), DatabaseSecrets);
    const database = app.get(DatabaseSecrets);

    const shown = [
      JSON.stringify(database),
      inspect(database),
      inspect(database, { showHidden: true, getters: true, depth: 9 }),
      JSON.stringify({ ...database }),
      inspect({ ...database }),
      inspect(structuredClone(database)),
    ].join('\n');

    expect(shown).toContain('[secret prod/db]');
    expect(shown).not.toMatch(/a-long-password|pa55word|20/);
  });

  it('reports all problems of all classes in one error, without a value', async () => {
    class Other {
      @SecretValue('TOKEN', { parse: (text) => JSON.parse(text) as number })
      readonly token!: Secret<number>;
      @SecretValue('MISSING') readonly missing!: Secret;
    }
    const store = new InMemorySecretManager({
      DB_PASSWORD: 'canary-1',
      DB_POOL_SIZE: 'canary-2',
      'prod/db': JSON.stringify({ 'canary-3': 1, host: 7, password: 'canary4' }),
      TOKEN: 'canary-5',
      PLAIN: '',
    });
    const debugged: unknown[] = [];

    const error = await failureOf(
      start(store, ['PLAIN', DatabaseSecrets, Other], {
        debug: (original) => debugged.push(original),
      }),
    );

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(
      /DatabaseSecrets\.password: the secret "DB_PASSWORD" breaks the rule minLength/,
    );
    expect(error.message).toMatch(
      /DatabaseSecrets\.pool: the secret "DB_POOL_SIZE" is refused by `parse`, which returned NaN/,
    );
    expect(error.message).toMatch(
      /DatabaseSecrets\.login: the secret "prod\/db" breaks the rules isString of host, minLength of password/,
    );
    expect(error.message).toMatch(
      /Other\.token: the secret "TOKEN" is refused by `parse`, which threw/,
    );
    expect(error.message).toMatch(/Other\.missing: The secret "MISSING" was not found/);
    expect(error.message).toMatch(/The secret "PLAIN" is empty/);
    expect(inspect(error, { depth: 9 }) + log.lines.join()).not.toContain('canary');
    expect(debugged.length).toBeGreaterThan(2);
  });

  it('is one instance for two modules, and reads a name of two classes once', async () => {
    class Second {
      @SecretValue('DB_PASSWORD') readonly password!: Secret;
    }
    const store = new InMemorySecretManager(VALUES);
    @Module({ imports: [SecretManagerModule.forFeature([DatabaseSecrets, Second])] })
    class A {
      constructor(readonly database: DatabaseSecrets) {}
    }
    @Module({ imports: [SecretManagerModule.forFeature(DatabaseSecrets)] })
    class B {
      constructor(readonly database: DatabaseSecrets) {}
    }
    const app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager: { useFactory: () => store } }), A, B],
    });

    expect(app.get(A).database).toBe(app.get(B).database);
    expect(Object.keys(app.get(A).database)).toEqual(['other', 'password', 'pool', 'login']);
    expect(store.calls.filter(({ secretName }) => secretName === 'DB_PASSWORD')).toHaveLength(1);
  });

  it('is undefined at an optional field while the secret is absent', async () => {
    const store = new InMemorySecretManager({ DB_PASSWORD: 'a-long-password', 'prod/db': LOGIN });
    const app = await start(store, DatabaseSecrets, {
      settings: { accessMode: 'read_and_write' },
      cache: { absenceTtlMs: 1 },
    });
    const database = app.get(DatabaseSecrets);
    const secrets = app.get(SecretsService);

    expect(database.pool).toBeUndefined();

    await secrets.set('DB_POOL_SIZE', '7');
    expect(database.pool?.reveal()).toBe(7);

    await secrets.delete('DB_POOL_SIZE');
    expect(database.pool).toBeUndefined();

    store.fail('unavailable');
    await failureOf(secrets.refresh('DB_POOL_SIZE'));
    expect(() => database.pool?.reveal()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  });

  it('injects one class over two managers by @InjectSecretsOf', async () => {
    @Injectable()
    class Repository {
      constructor(
        @InjectSecretsOf(DatabaseSecrets) readonly own: DatabaseSecrets,
        @InjectSecretsOf(DatabaseSecrets, 'payments') readonly payments: DatabaseSecrets,
      ) {}
    }
    const roots = [
      SecretManagerModule.forRoot({
        manager: { useFactory: () => new InMemorySecretManager(VALUES) },
      }),
      SecretManagerModule.forRoot({
        name: 'payments',
        manager: {
          useFactory: () =>
            new InMemorySecretManager({ ...VALUES, DB_PASSWORD: 'another-password' }),
        },
      }),
      SecretManagerModule.forFeature(DatabaseSecrets),
      SecretManagerModule.forFeature([DatabaseSecrets], { managerName: 'payments' }),
    ];
    const app = await startApplication({ imports: roots, providers: [Repository] });

    const { own, payments } = app.get(Repository);

    expect([own.password.reveal(), payments.password.reveal()]).toEqual([
      'a-long-password',
      'another-password',
    ]);
    expect(app.get(getSecretsOfToken(DatabaseSecrets, 'payments'))).toBe(payments);

    @Injectable()
    class Ambiguous {
      constructor(readonly database: DatabaseSecrets) {}
    }
    const error = await failureOf(startApplication({ imports: roots, providers: [Ambiguous] }));
    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/Ambiguous injects DatabaseSecrets.*"default" and "payments"/),
    });
  });

  it.each<[string, ModuleMetadata]>([
    ['a guard', { controllers: [Guarded] }],
    ['a provider by forwardRef', { providers: [ByForwardRef] }],
    ['a factory', { providers: [{ provide: 'X', inject: [Url], useFactory: () => 1 }] }],
  ])('fails the start if %s injects a class over two managers', async (_, metadata) => {
    const manager = { useFactory: () => new InMemorySecretManager({ URL: 'url' }) };
    @Module({ imports: [SecretManagerModule.forFeature(Url)], exports: [SecretManagerModule] })
    class Own {}
    @Module({
      imports: [SecretManagerModule.forFeature(Url, { managerName: 'payments' })],
      exports: [SecretManagerModule],
    })
    class Payments {}

    const error = await failureOf(
      startApplication({
        imports: [
          SecretManagerModule.forRoot({ manager }),
          SecretManagerModule.forRoot({ name: 'payments', manager }),
          Own,
          Payments,
        ],
        ...metadata,
      }),
    );

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/injects Url, .*"default" and "payments"/),
    });
  });

  it.each([undefined, 'DB_POOL_SIZE'])(
    'asks the store for an optional field after invalidate(%p)',
    async (name) => {
      const store = new InMemorySecretManager({ DB_PASSWORD: 'a-long-password', 'prod/db': LOGIN });
      const app = await start(store, DatabaseSecrets);
      const database = app.get(DatabaseSecrets);
      const secrets = app.get(SecretsService);

      store.rotate('DB_POOL_SIZE', '7');
      secrets.invalidate(name);
      expect(database.pool?.reveal()).toBe(7);

      store.remove('DB_POOL_SIZE');
      secrets.invalidate(name);
      expect(database.pool).toBeUndefined();

      store.fail('denied');
      secrets.invalidate(name);
      expect(() => database.pool?.reveal()).toThrow(
        expect.objectContaining({ code: 'ACCESS_DENIED' }),
      );
    },
  );

  it('leaves an optional field undefined after invalidate over a store that reads asynchronously', async () => {
    class Asynchronous extends CustomSecretManager {
      readSecret(): Promise<undefined> {
        return Promise.resolve(undefined);
      }
    }
    class Optional {
      @SecretValue('A', { optional: true }) readonly a!: Secret | undefined;
    }
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useFactory: () => new Asynchronous('asynchronous') },
          environment: {},
        }),
        SecretManagerModule.forFeature(Optional),
      ],
    });

    app.get(SecretsService).invalidate();

    expect(app.get(Optional).a).toBeUndefined();
  });

  it('is replaced in a test by overrideProvider(SECRET_MANAGER)', async () => {
    @Module({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useFactory: () => new InMemorySecretManager({}) },
        }),
        SecretManagerModule.forFeature(DatabaseSecrets),
      ],
    })
    class AppModule {}
    const app = closeLater(
      await Test.createTestingModule({ imports: [AppModule] })
        .overrideProvider(SECRET_MANAGER)
        .useValue(new InMemorySecretManager(VALUES))
        .compile(),
    );

    expect(app.get(DatabaseSecrets).password.reveal()).toBe('a-long-password');
  });
});
