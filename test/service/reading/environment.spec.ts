import { ConfigModule, ConfigService } from '@nestjs/config';
import {
  SecretManagerModule,
  SecretsService,
  type Environment,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication, startWith } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';

const empty = (): InMemorySecretManager => new InMemorySecretManager();

async function startWithConfig(config: Record<string, unknown>): Promise<SecretsService> {
  const root = SecretManagerModule.forRootAsync({
    manager: { useFactory: empty },
    inject: [ConfigService],
    useFactory: (environment: ConfigService) => ({ environment }),
  });
  const configuration = ConfigModule.forRoot({
    isGlobal: true,
    ignoreEnvFile: true,
    load: [() => config],
  });
  return (await startApplication({ imports: [configuration, root] })).get(SecretsService);
}

describe('the environment', () => {
  afterEach(closeApplications);

  it('is process.env by default, and is read at each look-up', async () => {
    const { secrets } = await startWith(empty(), { environment: undefined });
    process.env.OF_THIS_TEST = 'set after the start';

    try {
      await expect(secrets.get('OF_THIS_TEST')).resolves.toBe('set after the start');
      expect(secrets.getSync('OF_THIS_TEST')).toBe('set after the start');
    } finally {
      delete process.env.OF_THIS_TEST;
    }
  });

  it('is never written', async () => {
    const environment = Object.freeze({ KEY: 'env' });
    const { secrets } = await startWith(empty(), {
      environment,
      settings: { accessMode: 'read_and_write' },
    });

    await secrets.set('KEY', 'written');

    expect(environment.KEY).toBe('env');
  });

  it('may be a ConfigService', async () => {
    const secrets = await startWithConfig({ KEY: 'configured', nested: { KEY: 'deep' } });

    const values = [
      await secrets.get('KEY'),
      await secrets.get('nested.KEY'),
      await secrets.get('NONE'),
    ];

    expect(values).toEqual(['configured', 'deep', undefined]);
  });

  it.each<[string, unknown]>([
    ['a number', Number.NaN],
    ['a number', -Infinity],
    ['a bigint', 12n],
    ['a function', () => 'hvs.canary'],
    ['a symbol', Symbol('hvs.canary')],
    ['an object', { a: 'hvs.canary' }],
    ['an object', new String('hvs.canary')],
    ['an object', new Date(0)],
    ['an array', ['hvs.canary']],
  ])(
    'holds texts, booleans and finite numbers: %s is MALFORMED, and not quoted',
    async (kind, value) => {
      const configured = await startWithConfig({ KEY: value });
      const { secrets: recorded } = await startWith(empty(), {
        environment: { KEY: value } as Environment,
      });

      for (const secrets of [configured, recorded]) {
        const error = await failureOf(secrets.get('KEY', { default: 'x' }));

        expect(error).toMatchObject({ code: 'MALFORMED', secretName: 'KEY', operation: 'get' });
        expect(error.message).toContain(kind);
        expect(everythingOf(error)).not.toContain('hvs.canary');
      }
    },
  );

  it.each<[unknown, string, boolean | undefined]>([
    [true, 'true', true],
    [false, 'false', false],
    [1, '1', true],
    [0, '0', false],
    [8080, '8080', undefined],
    [1.5, '1.5', undefined],
    [-2, '-2', undefined],
  ])('that converts a value to %p returns its text', async (value, text, boolean) => {
    const configured = await startWithConfig({ KEY: value });
    const { secrets: recorded } = await startWith(empty(), {
      environment: { KEY: value } as never,
      preload: ['KEY'],
    });

    for (const secrets of [configured, recorded]) {
      const values = [
        await secrets.get('KEY'),
        await secrets.getOrThrow('KEY'),
        secrets.getSync('KEY'),
        secrets.secret('KEY').reveal(),
        await secrets.getBoolean('KEY').catch(() => undefined),
        (await secrets.getMany(['KEY'])).get('KEY'),
      ];

      expect(values).toEqual([text, text, text, text, boolean, { value: text }]);
    }
  });

  it.each([null, undefined])('with %p under a name has no value there', async (value) => {
    const { secrets } = await startWith(empty(), { environment: { KEY: value } as Environment });

    await expect(secrets.get('KEY')).resolves.toBeUndefined();
  });

  it('that throws is MISCONFIGURED, without its text and cause', async () => {
    const environment: Environment = {
      get: () => {
        throw new Error('hvs.canary-of-the-environment');
      },
    };
    const { secrets } = await startWith(empty(), { environment });

    const errors = [
      await failureOf(secrets.get('KEY', { default: 'x' })),
      await failureOf(() => secrets.getSync('KEY')),
    ];

    expect(errors).toMatchObject([
      { code: 'MISCONFIGURED', secretName: 'KEY' },
      { code: 'MISCONFIGURED' },
    ]);
    expect(errors[0]?.message).toContain('`environment`');
    expect(errors.map(everythingOf).join()).not.toContain('hvs.canary');
  });

  it('that is a proxy with a throwing getter is MISCONFIGURED', async () => {
    const environment = new Proxy(
      {},
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('hvs.canary');
        },
      },
    );
    const { secrets } = await startWith(empty(), { environment });

    const error = await failureOf(secrets.get('KEY'));

    expect(error.code).toBe('MISCONFIGURED');
    expect(everythingOf(error)).not.toContain('hvs.canary');
  });

  it.each([
    'toString',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'valueOf',
    'constructor.name',
  ])('has no %s unless it is set', async (name) => {
    const configured = await startWithConfig({});
    const { secrets: recorded } = await startWith(empty());
    const own = JSON.parse(`{"${name}":"a value"}`) as Environment;
    const { secrets: given } = await startWith(empty(), { environment: own });

    await expect(configured.get(name)).resolves.toBeUndefined();
    await expect(recorded.get(name)).resolves.toBeUndefined();
    await expect(given.get(name)).resolves.toBe('a value');
  });

  it('is a record if its variable GET is a string', async () => {
    const { secrets } = await startWith(empty(), {
      environment: { get: 'a variable', KEY: 'env' } as never,
    });

    await expect(secrets.get('KEY')).resolves.toBe('env');
    await expect(secrets.get('get')).resolves.toBe('a variable');
  });
});
