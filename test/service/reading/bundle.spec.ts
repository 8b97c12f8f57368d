import type { SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith, type Started } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';

async function start(
  bundle: string,
  accessMode?: 'read_and_write',
): Promise<Started & { store: InMemorySecretManager }> {
  const store = new InMemorySecretManager({ all: bundle });
  const settings = { primarySecretName: 'all', ...(accessMode && { accessMode }) };
  const environment = { NONE: 'env', NULL: 'env', __proto__: null } as never;
  return { ...(await startWith(store, { settings, environment })), store };
}

describe('one secret that holds many keys', () => {
  afterEach(closeApplications);

  it.each([
    ['a string', '"sk-1"', 'sk-1'],
    ['a string with escapes', '"a\\n\\u00e9\\"\\\\"', 'a\né"\\'],
    ['an empty string', '""', ''],
    ['a string that is JSON', '"{\\"a\\": 1}"', '{"a": 1}'],
    ['a number', '42', '42'],
    ['a fraction', '-0.5', '-0.5'],
    ['a number with an exponent', '1e3', '1e3'],
    ['true', 'true', 'true'],
    ['false', 'false', 'false'],
    ['an object', '{"a": [1, {"b": "}"}]}', '{"a":[1,{"b":"}"}]}'],
    ['an array', '[ 1, "two" ]', '[1,"two"]'],
  ])('answers %s', async (_, json, expected) => {
    const { secrets } = await start(`{"OTHER": {"KEY": "wrong"}, "KEY": ${json}, "LAST": 1}`);

    const values = [await secrets.get('KEY'), await secrets.get('KEY'), secrets.getSync('KEY')];

    expect(values).toEqual([expected, expected, expected]);
  });

  it('treats null and a missing key as absent, and reads the environment', async () => {
    const { secrets } = await start('{"NULL": null}');

    const values = [
      await secrets.get('NULL'),
      await secrets.get('NONE'),
      await secrets.get('NOWHERE', { default: 'x' }),
    ];

    expect(values).toEqual(['env', 'env', 'x']);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'treats %s as an ordinary name',
    async (name) => {
      const { secrets: without } = await start('{"KEY": "value"}');
      const { secrets: having } = await start(`{"KEY": "value", "${name}": "mine"}`);

      await expect(without.get(name)).resolves.toBeUndefined();
      await expect(having.get(name)).resolves.toBe('mine');
      await expect(having.get('KEY')).resolves.toBe('value');
    },
  );

  it('uses the last of two properties with the same name, like JSON.parse', async () => {
    const { secrets } = await start('{"KEY": "1", "KEY": "2", "GONE": "x", "GONE": null}');

    expect([await secrets.get('KEY'), await secrets.get('GONE')]).toEqual(['2', undefined]);
  });

  it.each(['12345678901234567890', '0.1234567890123456789012345', '1e999', '9007199254740993'])(
    'does not return the number %s, which a program would round',
    async (number) => {
      const { secrets } = await start(`{"KEY": ${number}, "OTHER": "value"}`);

      const error = await failureOf(secrets.get('KEY', { default: 'x' }));

      expect(error).toMatchObject({ code: 'MALFORMED', secretName: 'KEY' });
      expect(error.message).toMatch(/"all".*"KEY".*Quote it/);
      expect(error.message).not.toContain(number);
      await expect(secrets.get('OTHER')).resolves.toBe('value');
    },
  );

  it.each([
    ['text', 'hvs.canary'],
    ['an array', '["hvs.canary"]'],
    ['a string', '"hvs.canary"'],
    ['a number', '42'],
    ['null', 'null'],
    ['nothing', ''],
    ['half an object', '{"KEY": "hvs.canary"'],
    ['an object with a comma too many', '{"KEY": "hvs.canary",}'],
  ])('is MALFORMED if it is %s, and nothing of it is quoted', async (_, bundle) => {
    const { secrets } = await start(bundle);

    const errors = [
      await failureOf(secrets.get('KEY', { default: 'x', fallback: 'on-unavailable' })),
      await failureOf(() => secrets.getSync('KEY')),
    ];

    expect(errors.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED']);
    expect(errors[0]?.message).toMatch(/"all".*not a JSON object/);
    expect(errors.map(everythingOf).join()).not.toContain('hvs.canary');
  });

  it('is read once for any number of keys', async () => {
    const { secrets, store } = await start('{"A": "1", "B": "2"}');

    await Promise.all([
      secrets.get('A'),
      secrets.get('B'),
      secrets.get('C'),
      secrets.getMany(['A', 'B', 'D']),
    ]);
    secrets.getSync('A');

    expect(store.calls).toMatchObject([{ operation: 'readSecret', secretName: 'all' }]);
  });

  it('answers getMany key by key', async () => {
    const { secrets } = await start('{"A": "1", "LONG": 12345678901234567890}');

    const answers = await secrets.getMany(['A', 'LONG', 'NOWHERE', '../bad']);

    expect(Object.fromEntries(answers)).toEqual({
      A: { value: '1' },
      LONG: { error: expect.objectContaining({ code: 'MALFORMED' }) },
      NOWHERE: { absent: true },
      '../bad': { error: expect.objectContaining({ code: 'INVALID_ARGUMENT' }) },
    });
  });

  it('is the target of refresh, invalidate and inspect of a key', async () => {
    const { secrets, store } = await start('{"A": "1"}');
    await secrets.get('A');
    expect(secrets.inspect()).toMatchObject([{ name: 'all', state: 'fresh' }]);

    store.rotate('all', '{"A": "2"}');
    await secrets.refresh('A');
    expect(await secrets.get('A')).toBe('2');

    store.rotate('all', '{"A": "3"}');
    secrets.invalidate('A');
    expect(secrets.inspect()).toEqual([]);
    expect(await secrets.get('A')).toBe('3');
  });

  it('is absent as a whole: every key is read from the environment', async () => {
    const { secrets, store } = await start('{}');
    store.remove('all');

    await expect(secrets.get('NONE')).resolves.toBe('env');
  });

  it('fails as a whole: a failure is not an absence of a key', async () => {
    const { secrets, store } = await start('{}');
    store.fail('denied');

    await expect(failureOf(secrets.get('NONE'))).resolves.toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it('follows hostedKeys by the names of its keys', async () => {
    const store = new InMemorySecretManager({ all: '{"A": "1", "B": "2"}' });
    const { secrets } = await startWith(store, {
      settings: { primarySecretName: 'all', hostedKeys: ['A'] },
    });

    await expect(secrets.get('A')).resolves.toBe('1');
    await expect(secrets.get('B')).resolves.toBeUndefined();
  });

  it('answers from memory only for valid names', async () => {
    const { secrets } = await start('{"A": "1", "../B": "2", "os.environ/C": "3", "C": "4"}');
    await secrets.get('A');

    await expect(failureOf(secrets.get('../B'))).resolves.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(secrets.get('os.environ/C')).resolves.toBe('4');
  });

  const WRITES: [string, (secrets: SecretsService) => Promise<unknown>][] = [
    ['set', (secrets) => secrets.set('A', '2')],
    ['delete', (secrets) => secrets.delete('A')],
    ['rotate', (secrets) => secrets.rotate('A', { value: '2' })],
  ];
  it.each(WRITES)(
    'is not written in parts by %s; an error of the access mode comes first',
    async (operation, write) => {
      const { secrets, store } = await start('{"A": "1"}', 'read_and_write');
      const { secrets: readOnly } = await start('{"A": "1"}');

      const error = await failureOf(write(secrets));

      expect(error).toMatchObject({ code: 'UNSUPPORTED', operation, secretName: 'A' });
      expect(error.message).toContain('"all"');
      expect(store.calls).toEqual([]);
      await expect(failureOf(write(readOnly))).resolves.toMatchObject({ code: 'NOT_PERMITTED' });
    },
  );
});
