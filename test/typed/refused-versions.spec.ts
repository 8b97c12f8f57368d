import { Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import type { TestingModule } from '@nestjs/testing';
import { IsInt, MinLength } from 'class-validator';
import {
  Secret,
  SecretManagerModule,
  SecretValue,
  SecretsService,
  type SecretChange,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { CapturedLog, closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

class Limits {
  @SecretValue('LIMIT', { parse: Number }) @IsInt() readonly limit!: Secret<number>;
  @SecretValue('TOKEN') @MinLength(5) readonly token!: Secret;
}

describe('a new version that a field refuses', () => {
  let store: InMemorySecretManager;
  let log: CapturedLog;
  let secrets: SecretsService;
  let limits: Limits;

  beforeEach(() => {
    store = new InMemorySecretManager({ LIMIT: '1', TOKEN: 'token' });
    log = new CapturedLog();
  });

  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
  });

  const start = async (options: SecretManagerModuleOptions = {}): Promise<TestingModule> => {
    const app = await startApplication(
      {
        imports: [
          SecretManagerModule.forRoot({
            manager: { useFactory: () => store },
            environment: {},
            settings: { accessMode: 'read_and_write' },
            ...options,
          }),
          SecretManagerModule.forFeature(Limits),
        ],
      },
      log,
    );
    secrets = app.get(SecretsService);
    limits = app.get(Limits);
    return app;
  };

  const rotate = async (name: string, value: string): Promise<void> => {
    store.rotate(name, value);
    await secrets.refresh(name);
  };

  it('leaves the last accepted one in service, and is counted and logged once', async () => {
    await start();
    const version = limits.limit.version;

    await rotate('LIMIT', 'canary');
    await rotate('LIMIT', 'canary');

    expect(limits.limit.reveal()).toBe(1);
    await expect(limits.limit.get()).resolves.toBe(1);
    await expect(limits.limit.use((value) => value)).resolves.toBe(1);
    expect(limits.limit.version).toBe(version);
    await expect(secrets.get('LIMIT')).resolves.toBe('canary');
    expect(log.warnings).toEqual([
      expect.stringMatching(
        /Limits\.limit: the secret "LIMIT" is refused by `parse`, which returned NaN/,
      ),
    ]);
    expect(log.lines.join()).not.toContain('canary');
    expect(secrets.inspect().find(({ name }) => name === 'LIMIT')).toMatchObject({ rejected: 1 });
    expect(secrets.rejectedVersions).toBe(1);
  });

  it('is no change, and the next good one is', async () => {
    await start();
    const changes: SecretChange[] = [];
    const values: number[] = [];
    limits.limit.onChange((change) => {
      changes.push(change);
      values.push(limits.limit.reveal());
    });

    await rotate('LIMIT', 'bad');
    await rotate('LIMIT', '1');
    expect(changes).toEqual([]);

    await rotate('LIMIT', 'worse');
    await rotate('LIMIT', '2');

    expect(values).toEqual([2]);
    expect(changes).toEqual([expect.objectContaining({ name: 'LIMIT', source: 'read' })]);
    expect(limits.limit.reveal()).toBe(2);
  });

  it('may be empty', async () => {
    await start();

    await rotate('TOKEN', '');

    expect(limits.token.reveal()).toBe('token');
    await expect(limits.token.get()).resolves.toBe('token');
  });

  it('may be written by this instance', async () => {
    await start();

    await secrets.set('LIMIT', 'bad');

    expect(limits.limit.reveal()).toBe(1);
    expect(secrets.rejectedVersions).toBe(1);
  });

  it.each<[string, () => Promise<unknown> | void]>([
    ['invalidate', () => secrets.invalidate('LIMIT')],
    ['invalidate of all', () => secrets.invalidate()],
    [
      'a denial',
      async () => {
        store.fail('denied', { secretName: 'LIMIT', times: 1 });
        await failureOf(secrets.refresh('LIMIT'));
      },
    ],
    [
      'an absence',
      async () => {
        await secrets.delete('LIMIT');
        store.rotate('LIMIT', 'bad again');
        await secrets.refresh('LIMIT');
      },
    ],
  ])('fails after %s', async (_, drop) => {
    await start();
    await rotate('LIMIT', 'bad');

    await drop();

    await expect(limits.limit.get({ maxAgeMs: 0 })).rejects.toMatchObject({ code: 'MALFORMED' });
    expect(() => limits.limit.reveal()).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
  });

  it('does not outlive a transient failure of the store', async () => {
    await start();
    await rotate('LIMIT', 'bad');

    store.fail('unavailable');
    await failureOf(secrets.refresh('LIMIT'));

    expect(limits.limit.reveal()).toBe(1);
  });

  it('fails once the last accepted one is too old', async () => {
    jest.useFakeTimers();
    await start({ cache: { ttlMs: 60_000, staleIfErrorMs: 60_000 } });
    jest.setSystemTime(Date.now() + 30_000);
    await jest.advanceTimersByTimeAsync(0);
    await rotate('LIMIT', 'bad');
    const tooOld = limits.limit.get({ maxAgeMs: 10_000 });
    await expect(tooOld).rejects.toMatchObject({ code: 'MALFORMED' });
    await expect(limits.limit.get({ maxAgeMs: 200_000 })).resolves.toBe(1);

    await jest.advanceTimersByTimeAsync(80_000);
    expect(limits.limit.reveal()).toBe(1);

    await jest.advanceTimersByTimeAsync(15_000);
    expect(() => limits.limit.reveal()).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    expect(limits.limit.version).toBeUndefined();
  });

  it('fails at once without a cache', async () => {
    await start({ cache: false });

    store.rotate('LIMIT', 'bad');

    expect(() => limits.limit.reveal()).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
    store.rotate('LIMIT', '3');
    expect(limits.limit.reveal()).toBe(3);
  });

  it('reads again for work that rejects the last accepted one', async () => {
    await start();
    await rotate('LIMIT', 'bad');
    const rejected = Object.assign(new Error('rejected'), { status: 401 });
    const work = (value: number): number => {
      if (value === 1) throw rejected;
      return value;
    };

    await expect(limits.limit.use(work)).rejects.toBe(rejected);
    store.rotate('LIMIT', '2');

    await expect(limits.limit.use(work)).resolves.toBe(2);
  });

  it('is parsed once', async () => {
    const parse = jest.fn(Number);
    class Counted {
      @SecretValue('LIMIT', { parse }) readonly limit!: Secret<number>;
    }
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({ manager: { useFactory: () => store }, environment: {} }),
        SecretManagerModule.forFeature(Counted),
      ],
    });
    const { limit } = app.get(Counted);
    const all = app.get(SecretsService);
    limit.onChange(() => undefined);

    for (let i = 0; i < 100; i++) limit.reveal();
    expect(parse.mock.calls).toEqual([['1']]);

    store.rotate('LIMIT', 'bad');
    await all.refresh('LIMIT');
    for (let i = 0; i < 100; i++) limit.reveal();
    await limit.get();
    expect(parse).toHaveBeenCalledTimes(2);
  });

  it('is what a listener begins with, and the next good one is a change', async () => {
    await start();
    await rotate('LIMIT', 'bad');
    const told: [number, string | undefined][] = [];
    limits.limit.onChange(({ previousVersion }) => {
      told.push([limits.limit.reveal(), previousVersion]);
    });
    const { version } = limits.limit;

    await rotate('LIMIT', '1');
    await rotate('LIMIT', 'worse');
    await rotate('LIMIT', '2');

    expect(told).toEqual([[2, expect.any(String)]]);
    expect(version).toBeDefined();
  });

  it('does not keep a module that is loaded lazily from loading', async () => {
    const app = await start();
    await rotate('LIMIT', 'bad');
    @Module({ imports: [SecretManagerModule.forFeature([Limits, 'TOKEN'])] })
    class Lazy {}

    const lazy = await app.get(LazyModuleLoader).load(() => Lazy);

    expect(lazy.get(Limits, { strict: false }).limit.reveal()).toBe(1);

    secrets.invalidate('LIMIT');
    @Module({ imports: [SecretManagerModule.forFeature([Limits, 'LIMIT'])] })
    class Later {}
    const error = await failureOf(app.get(LazyModuleLoader).load(() => Later));
    expect(error.message).toMatch(/Limits\.limit: the secret "LIMIT" is refused by `parse`/);
  });

  it.each(['LIMIT', 'TOKEN', 'PRIMARY', undefined])(
    'fails after invalidate(%p) if a primary secret holds it',
    async (name) => {
      store.rotate('PRIMARY', '{"LIMIT":"1","TOKEN":"token"}');
      await start({ settings: { accessMode: 'read_only', primarySecretName: 'PRIMARY' } });
      await rotate('PRIMARY', '{"LIMIT":"bad","TOKEN":"token"}');
      expect(limits.limit.reveal()).toBe(1);

      secrets.invalidate(name);

      expect(() => limits.limit.reveal()).toThrow(expect.objectContaining({ code: 'MALFORMED' }));
      expect(limits.token.reveal()).toBe('token');
    },
  );

  it('is refused by get({ allowEmpty: false }) although the field accepts an empty text', async () => {
    class Lenient {
      @SecretValue('EMPTY', { allowEmpty: true }) readonly empty!: Secret;
    }
    store.rotate('EMPTY', '');
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({ manager: { useFactory: () => store }, environment: {} }),
        SecretManagerModule.forFeature(Lenient),
      ],
    });
    const { empty } = app.get(Lenient);

    const error = await failureOf(empty.get({ allowEmpty: false }));

    expect(error.code).toBe('MALFORMED');
    expect(empty.reveal()).toBe('');
  });
});
