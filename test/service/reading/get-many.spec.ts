import {
  CustomSecretManager,
  SecretManagerError,
  type OperationOptions,
  type SecretAnswer,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';

class Batching extends CustomSecretManager {
  readonly batches: { names: readonly string[]; params: OperationOptions['params'] }[] = [];

  constructor(private readonly answers: unknown) {
    super('batching');
  }
  override async readSecret(): Promise<never> {
    throw new Error('asked for one');
  }
  override async readSecrets(
    names: readonly string[],
    options?: OperationOptions,
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    this.batches.push({ names, params: options?.params });
    return this.answers as ReadonlyMap<string, SecretAnswer | Error>;
  }
}

describe('getMany', () => {
  afterEach(closeApplications);

  it('answers each name separately: a value, an absence, a denial, an invalid name', async () => {
    const store = new InMemorySecretManager({ A: '1' });
    const { secrets } = await startWith(store, { environment: { ENV: '2' } });
    await secrets.get('A');
    store.fail('denied', { secretName: 'DENIED' });

    const answers = await secrets.getMany(['DENIED', 'A', 'ENV', 'NONE', '../bad']);

    expect([...answers.keys()]).toEqual(['DENIED', 'A', 'ENV', 'NONE', '../bad']);
    expect(Object.fromEntries(answers)).toEqual({
      DENIED: { error: expect.objectContaining({ code: 'ACCESS_DENIED', secretName: 'DENIED' }) },
      A: { value: '1' },
      ENV: { value: '2' },
      NONE: { absent: true },
      '../bad': {
        error: expect.objectContaining({ code: 'INVALID_ARGUMENT', operation: 'getMany' }),
      },
    });
  });

  it('asks neither for invalid names nor for names that are not hosted', async () => {
    const store = new InMemorySecretManager({ A: '1', B: '2' });
    const { secrets } = await startWith(store, {
      settings: { hostedKeys: ['A'] },
      environment: { B: 'env' },
    });

    const answers = await secrets.getMany(['A', 'B', '']);

    expect(answers.get('B')).toEqual({ value: 'env' });
    expect(store.calls).toMatchObject([{ secretName: 'A' }]);
  });

  it('has no default', async () => {
    const { secrets } = await startWith(new InMemorySecretManager());

    const answers = await secrets.getMany(['A'], { default: 'x' } as never);

    expect(answers.get('A')).toEqual({ absent: true });
  });

  it('reads with one call if the manager has a batch, and treats missing names as absent', async () => {
    const manager = new Batching(
      new Map<string, unknown>([
        ['A', '1'],
        ['B', { value: '2', version: '7' }],
        ['C', null],
        ['D', new SecretManagerError('ACCESS_DENIED', 'not for you')],
        ['E', 5],
        ['OTHER', 'never asked for'],
      ]),
    );
    const { secrets } = await startWith(manager, { environment: { C: 'env' } });

    const answers = await secrets.getMany(['A', 'B', 'C', 'D', 'E', 'F'], {
      params: { stage: 'x' },
    });

    expect(manager.batches).toEqual([
      { names: ['A', 'B', 'C', 'D', 'E', 'F'], params: { stage: 'x' } },
    ]);
    expect(Object.fromEntries(answers)).toEqual({
      A: { value: '1' },
      B: { value: '2' },
      C: { value: 'env' },
      D: {
        error: expect.objectContaining({
          code: 'ACCESS_DENIED',
          message: 'not for you',
          secretName: 'D',
        }),
      },
      E: { error: expect.objectContaining({ code: 'MALFORMED', secretName: 'E' }) },
      F: { absent: true },
    });
  });

  it('translates each error of a batch, without its text', async () => {
    const thrown = Object.assign(new Error('hvs.canary-of-a-batch'), { status: 403 });
    const { secrets } = await startWith(new Batching(new Map([['A', thrown]])));

    const answers = await secrets.getMany(['A']);

    expect(answers.get('A')).toMatchObject({ error: { code: 'ACCESS_DENIED' } });
    expect(everythingOf(answers.get('A'))).not.toContain('hvs.canary');
  });

  it.each([undefined, { A: '1' }, ['1'], 'A'])(
    'rejects a batch that returns %p as malformed',
    async (answer) => {
      const { secrets } = await startWith(new Batching(answer));

      const answers = await secrets.getMany(['A', 'B']);

      expect(answers.get('A')).toMatchObject({ error: { code: 'MALFORMED' } });
      expect(answers.get('B')).toMatchObject({ error: { code: 'MALFORMED' } });
    },
  );

  it('asks once for a repeated name, and not at all for an empty list', async () => {
    const store = new InMemorySecretManager({ A: '1' });
    const { secrets } = await startWith(store);

    const none = await secrets.getMany([]);
    const twice = await secrets.getMany(['A', 'A', 'os.environ/A']);

    expect(none.size).toBe(0);
    expect([...twice.keys()]).toEqual(['A', 'os.environ/A']);
    expect(store.calls).toHaveLength(1);
  });

  it('treats the names of object properties as ordinary ones', async () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const { secrets } = await startWith(new InMemorySecretManager());

    const answers = await secrets.getMany(names);

    expect([...answers]).toEqual(names.map((name) => [name, { absent: true }]));
  });

  it.each(['A', undefined, null, { A: 1 }])('needs a list, and refuses %p', async (names) => {
    const { secrets } = await startWith(new InMemorySecretManager());

    const error = await failureOf(secrets.getMany(names as never));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'getMany' });
  });
});

describe('getBoolean', () => {
  afterEach(closeApplications);

  it('refuses a default that is no boolean', async () => {
    const { secrets } = await startWith(new InMemorySecretManager());

    const error = await failureOf(secrets.getBoolean('FLAG', { default: 'yes' as never }));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'getBoolean' });
  });

  it.each([
    ...['true', 'TRUE', ' True\n', '1', 'yes', 'Yes', 'on', 'ON'].map(
      (text) => [text, true] as const,
    ),
    ...['false', 'False', '0', 'no', ' NO ', 'off', 'oFf'].map((text) => [text, false] as const),
  ])('reads %j as %p', async (text, expected) => {
    const { secrets } = await startWith(new InMemorySecretManager({ FLAG: text }));

    await expect(secrets.getBoolean('FLAG')).resolves.toBe(expected);
    await expect(secrets.getBoolean('FLAG', { default: !expected })).resolves.toBe(expected);
  });

  it.each(['', ' ', 'maybe', 'hvs.canary', '2', 'y', 't', 'null', '__proto__'])(
    'rejects %j with MALFORMED, without a quote',
    async (text) => {
      const { secrets } = await startWith(new InMemorySecretManager({ FLAG: text }));

      const error = await failureOf(secrets.getBoolean('FLAG', { default: true }));

      expect(error).toMatchObject({
        code: 'MALFORMED',
        operation: 'getBoolean',
        secretName: 'FLAG',
      });
      expect(error.message).toBe(
        'The value of "FLAG" is none of true, 1, yes, on, false, 0, no, off.',
      );
    },
  );

  it('returns the default, or undefined, for an absent secret, and reads the environment in the same way', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), {
      environment: { ENV: 'off' },
    });

    const values = [
      await secrets.getBoolean('FLAG'),
      await secrets.getBoolean('FLAG', { default: false }),
      await secrets.getBoolean('FLAG', { default: true }),
      await secrets.getBoolean('ENV'),
    ];

    expect(values).toEqual([undefined, false, true, false]);
  });
});
