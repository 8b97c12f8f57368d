import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import request from 'supertest';
import { closeApplications } from '../support/application';
import {
  ECHO,
  MASTER_KEY,
  SIGNING_KEY,
  hello,
  modelEntry,
  startGateway,
  type Gateway,
  type Issued,
} from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

const OTHER = modelEntry('other', 'echo/other');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

jest.setTimeout(30_000); // the time on a busy machine

let store: InMemorySecretManager;
let gateway: Gateway;

beforeEach(async () => {
  store = new InMemorySecretManager({ MASTER_KEY });
  gateway = await startGateway(store, [ECHO, OTHER]);
});

afterEach(async () => {
  jest.useRealTimers();
  await closeApplications();
  removeTemporaryFolders();
});

const statusOf = async (key: string, model = 'echo'): Promise<number> =>
  (await gateway.post('/v1/chat/completions', hello(model), key)).status;

const namesInStore = async (): Promise<string[]> => {
  const names = new Set(store.calls.map(({ secretName }) => secretName ?? ''));
  const values = await Promise.all([...names].map((name) => store.readSecret(name)));
  return [...names]
    .filter((name, at) => /^(gateway|litellm)/.test(name) && name !== SIGNING_KEY && values[at])
    .sort();
};

/** Advances only the date, but no timers. */
function later(milliseconds: number): void {
  jest.useFakeTimers({ doNotFake: [...NOT_DATE], now: Date.now() + milliseconds });
}

describe('a duration', () => {
  it.each([
    ['30s', 30_000],
    ['30m', HOUR_MS / 2],
    ['30h', 30 * HOUR_MS],
    ['30d', 30 * DAY_MS],
    ['2w', 14 * DAY_MS],
    ['2900000d', 2_900_000 * DAY_MS],
  ])('%s ends after its time', async (duration, milliseconds) => {
    const { expires } = (await gateway.generate({ duration })) as unknown as { expires: string };

    expect(Math.abs(Date.parse(expires) - Date.now() - milliseconds)).toBeLessThan(10_000);
  });

  it('of a month ends on the same day of the next month, or on its last day', async () => {
    jest.useFakeTimers({ doNotFake: [...NOT_DATE], now: Date.UTC(2027, 0, 31, 12) });

    const { expires } = (await gateway.generate({ duration: '1mo' })) as unknown as {
      expires: string;
    };

    expect(expires).toMatch(/^2027-02-28T12:/);
  });

  it.each([
    '0s',
    '-1s',
    '-1',
    '1',
    '1y',
    '1.5h',
    ' 1h',
    '1h ',
    '1H',
    '1e3s',
    '',
    '9999999999s',
    '999999999w',
    '999999999d',
    '3000000d',
    '999999999mo',
    'Infinity',
    5,
    {},
    [],
    ['1h'],
    true,
  ])('%j is refused by every route that takes one', async (duration) => {
    const { key } = await gateway.generate();
    const given = { key, duration };
    const answers = [
      await gateway.post('/key/generate', { duration }),
      ...(duration === '-1'
        ? []
        : [
            await gateway.post('/key/update', given),
            await gateway.post('/key/regenerate', given),
            ...(duration === '0s'
              ? []
              : [await gateway.post('/key/regenerate', { key, grace_period: duration })]),
          ]),
    ];

    for (const { status, body } of answers) {
      expect(status).toBe(400);
      expect(body).toMatchObject({
        error: {
          type: 'invalid_request_error',
          param: expect.stringMatching(/^(duration|grace_period)$/),
        },
      });
    }
    expect(await statusOf(key)).toBe(200);
  });
});

describe('a body that is not JSON', () => {
  it.each([
    ['/key/generate', '{"models":["echo"]}'],
    ['/key/regenerate', '{}'],
    ['/key/sk-of-nobody-at-all-1/regenerate', '{}'],
    ['/key/update', '{}'],
    ['/key/block', '{}'],
    ['/key/unblock', '{}'],
    ['/key/delete', '{}'],
    ['/v1/chat/completions', '{}'],
  ])('is refused by %s, whatever its type', async (path, content) => {
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonx',
      'application/xml; q=json',
    ];

    const answers = await Promise.all(
      types.map((type) =>
        request(gateway.url)
          .post(path)
          .set('authorization', `Bearer ${MASTER_KEY}`)
          .set('content-type', type)
          .send(content),
      ),
    );

    expect(answers.map(({ status }) => status)).toEqual(types.map(() => 415));
    expect(answers[0]?.body).toMatchObject({
      error: { type: 'invalid_request_error', message: expect.stringContaining('JSON') },
    });
    expect(await namesInStore()).toEqual([]);
  });

  it.each([
    ['none at all', {}],
    ['one that is empty', { 'content-length': '0' }],
    ['one that is empty, of another type', { 'content-type': 'text/plain', 'content-length': '0' }],
    ['one that is empty, of JSON', { 'content-type': 'application/json', 'content-length': '0' }],
  ])('is not assumed for %s: a key is issued', async (_, headers) => {
    const answer = await request(gateway.url)
      .post('/key/generate')
      .set({ authorization: `Bearer ${MASTER_KEY}`, ...headers });

    expect(answer.status).toBe(200);
  });

  it.each([
    'application/json',
    'Application/JSON; charset=UTF-8',
    'application/json;charset=utf-8',
  ])('is not assumed by %s', async (type) => {
    const { status, body } = await request(gateway.url)
      .post('/key/generate')
      .set('authorization', `Bearer ${MASTER_KEY}`)
      .set('content-type', type)
      .send('{"models":["echo"]}');

    expect([status, (body as Issued).models]).toEqual([200, ['echo']]);
  });
});

describe('regenerations of one key at once', () => {
  const racers = (
    of: readonly Gateway[],
    key: string,
    content: object,
  ): Promise<request.Response>[] =>
    Array.from({ length: 10 }, async (_, at) => {
      const one = of[at % of.length] ?? gateway;
      return await one.post(`/key/${key}/regenerate`, content);
    });

  it.each([
    ['one instance', 1, {}],
    ['one instance, with a grace period', 1, { grace_period: '1h' }],
    ['one instance, onto another alias', 1, { key_alias: 'desktop' }],
    ['two instances', 2, {}],
    ['two instances, with a grace period', 2, { grace_period: '1h' }],
  ])('result in one success and nine conflicts on %s', async (_, count, content) => {
    const other = count === 2 ? [await startGateway(store, [ECHO, OTHER])] : [];
    const { key } = await gateway.generate({ key_alias: 'laptop' });

    const answers = await Promise.all(racers([gateway, ...other], key, content));

    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    const losers = answers.filter(({ status }) => status !== 200);
    const permitted = count === 1 ? [409] : [409, 404]; // a request after the regeneration finds no key
    expect(losers.filter(({ status }) => !permitted.includes(status))).toEqual([]);
    expect(await statusOf((winners[0]?.body as Issued).key)).toBe(200);
  });

  it('are refused even if they come late', async () => {
    const { key } = await gateway.generate();
    await gateway.post(`/key/${key}/regenerate`, {}).expect(200);

    const late = await gateway.post(`/key/${key}/regenerate`, {});

    expect(late.status).toBe(409);
    expect(late.body).toMatchObject({ error: { param: 'key', code: 'conflict' } });
  });

  it('leave nothing behind', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });

    await Promise.all(racers([gateway], key, {}));

    expect(await namesInStore()).toEqual([
      expect.stringMatching(/^gateway\/keys\/[0-9a-f]{64}$/),
      'litellm/laptop',
    ]);
  });
});

describe('a regeneration', () => {
  it('accepts the key in the body', async () => {
    const { key } = await gateway.generate({ models: ['echo'] });

    const { body } = await gateway.post('/key/regenerate', { key }).expect(200);

    expect([await statusOf(key), await statusOf((body as Issued).key)]).toEqual([401, 200]);
  });

  it('without a key fails with 404', async () => {
    const { status } = await gateway.post('/key/regenerate', {});

    expect(status).toBe(404);
  });

  it('can change the models and the end of the new key', async () => {
    const { key } = await gateway.generate({ models: ['echo'] });

    const { body } = await gateway.post(`/key/${key}/regenerate`, {
      models: ['other'],
      duration: '1h',
    });

    const next = body as Issued & { expires: string };
    expect(next.models).toEqual(['other']);
    expect([await statusOf(next.key), await statusOf(next.key, 'other')]).toEqual([403, 200]);
    expect(Date.parse(next.expires) - Date.now()).toBeLessThanOrEqual(HOUR_MS);
    later(HOUR_MS + 1_000);
    expect(await statusOf(next.key, 'other')).toBe(401);
  });

  it('lets the old key overlap for a grace period', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });
    const { body } = await gateway.post(`/key/${key}/regenerate`, { grace_period: '24h' });
    const next = (body as Issued).key;

    const during = [await statusOf(key), await statusOf(next)];
    later(DAY_MS + 1_000);
    const after = [await statusOf(key), await statusOf(next)];

    expect([during, after]).toEqual([
      [200, 200],
      [401, 200],
    ]);
  });

  it.each([{}, { grace_period: null }, { grace_period: '0s' }])(
    'ends the old key at once with %j',
    async (content) => {
      const { key } = await gateway.generate();

      await gateway.post(`/key/${key}/regenerate`, content).expect(200);

      expect(await statusOf(key)).toBe(401);
    },
  );

  it('limits an overlapping key like its successor, even under another alias', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });
    const { body } = await gateway.post(`/key/${key}/regenerate`, {
      grace_period: '1h',
      key_alias: 'desktop',
      models: ['other'],
    });
    const limited = [await statusOf(key), await statusOf(key, 'other')];

    await gateway.post('/key/block', { key: (body as Issued).token_id }).expect(200);

    expect(limited).toEqual([403, 200]);
    expect(await statusOf(key, 'other')).toBe(401);
  });

  it('ends all overlaps without a grace period, and leaves no records', async () => {
    const first = await gateway.generate({ key_alias: 'laptop' });
    const second = (await gateway.post(`/key/${first.key}/regenerate`, { grace_period: '1h' }))
      .body as Issued;
    const third = (await gateway.post(`/key/${second.key}/regenerate`, { grace_period: '1h' }))
      .body as Issued;
    const during = [first, second, third].map(({ key }) => statusOf(key));
    expect(await Promise.all(during)).toEqual([200, 200, 200]);

    const last = (await gateway.post(`/key/${third.key}/regenerate`, {})).body as Issued;

    const after = [first, second, third, last].map(({ key }) => statusOf(key));
    expect(await Promise.all(after)).toEqual([401, 401, 401, 200]);
    expect((await namesInStore()).filter((name) => name.startsWith('gateway/'))).toEqual([
      `gateway/keys/${last.token_id}`,
    ]);
  });

  it('that keeps the key cannot take the alias of another key, and changes nothing', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });
    await gateway.generate({ key_alias: 'desktop' });

    const answer = await gateway.post(`/key/${key}/regenerate`, {
      new_key: key,
      key_alias: 'desktop',
    });

    expect(answer.status).toBe(409);
    expect(await statusOf(key)).toBe(200);
    expect((await gateway.get(`/key/info?key=${key}`)).body).toMatchObject({
      info: { key_alias: 'laptop' },
    });
  });

  it('is refused for an overlapping key', async () => {
    const { key } = await gateway.generate();
    await gateway.post(`/key/${key}/regenerate`, { grace_period: '1h' }).expect(200);
    const other = await startGateway(store, [ECHO]);

    const answer = await other.post(`/key/${key}/regenerate`, {});

    expect(answer.status).toBe(409);
  });

  it('loses its overlap when the old key is deleted, and the new key stays', async () => {
    const { key } = await gateway.generate();
    const { body } = await gateway.post(`/key/${key}/regenerate`, { grace_period: '1h' });

    await gateway.post('/key/delete', { keys: [key] }).expect(200);

    expect([await statusOf(key), await statusOf((body as Issued).key)]).toEqual([401, 200]);
  });

  it('is deleted with all overlapping keys', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });
    const { body } = await gateway.post(`/key/${key}/regenerate`, { grace_period: '1h' });

    await gateway.post('/key/delete', { key_aliases: ['laptop'] }).expect(200);

    expect([await statusOf(key), await statusOf((body as Issued).key)]).toEqual([401, 401]);
    expect(await namesInStore()).toEqual([]);
  });
});

describe('an update of a key', () => {
  it('changes models and end, and keeps the rest', async () => {
    const { key, token_id } = await gateway.generate({ key_alias: 'laptop', models: ['echo'] });

    const { body } = await gateway.post('/key/update', { key, models: ['other'], duration: '1h' });

    expect(body).toEqual({
      key: token_id,
      key_alias: 'laptop',
      models: ['other'],
      created_at: expect.any(String),
      expires: expect.any(String),
    });
    expect([await statusOf(key), await statusOf(key, 'other')]).toEqual([403, 200]);
    later(HOUR_MS + 1_000);
    expect(await statusOf(key, 'other')).toBe(401);
  });

  it.each([{}, { models: null, duration: null, key_alias: null, blocked: null }])(
    'changes nothing with %j',
    async (content) => {
      const { key } = await gateway.generate({
        key_alias: 'laptop',
        models: ['echo'],
        duration: '1h',
      });
      const before = await gateway.get(`/key/info?key=${key}`);

      await gateway.post('/key/update', { key, ...content }).expect(200);

      expect((await gateway.get(`/key/info?key=${key}`)).body).toEqual(before.body);
    },
  );

  it('can remove the end of a key', async () => {
    const { key } = await gateway.generate({ duration: '1h' });

    const { body } = await gateway.post('/key/update', { key, duration: '-1' });

    expect(body).toMatchObject({ expires: null });
  });

  it('gives a key another alias, which can delete it', async () => {
    const { key, token_id } = await gateway.generate({ key_alias: 'laptop' });

    await gateway.post('/key/update', { key: token_id, key_alias: 'desktop' }).expect(200);

    expect(await statusOf(key)).toBe(200);
    expect(await namesInStore()).toEqual([`gateway/keys/${token_id}`, 'litellm/desktop']);
    await gateway.generate({ key_alias: 'laptop' });
    await gateway.post('/key/delete', { key_aliases: ['desktop'] }).expect(200);
    expect(await statusOf(key)).toBe(401);
  });

  it('gives an alias to a key without one', async () => {
    const { key } = await gateway.generate();

    await gateway.post('/key/update', { key, key_alias: 'laptop' }).expect(200);

    expect(await statusOf(key)).toBe(200);
  });

  it('cannot take the alias of another key', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop', models: ['echo'] });
    const other = await gateway.generate({ key_alias: 'desktop' });

    const answer = await gateway.post('/key/update', { key, key_alias: 'desktop', models: [] });

    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ error: { param: 'key_alias' } });
    expect([await statusOf(key), await statusOf(other.key)]).toEqual([200, 200]);
    expect((await gateway.get(`/key/info?key=${key}`)).body).toMatchObject({
      info: { key_alias: 'laptop', models: ['echo'] },
    });
  });

  it('moves a key under traffic without a failure, also on another instance', async () => {
    const other = await startGateway(store, [ECHO]);
    const { key } = await gateway.generate({ key_alias: 'laptop' });
    const statuses: number[] = [];
    let isOver = false;
    const ask = async (asked: Gateway): Promise<void> => {
      while (!isOver)
        statuses.push((await asked.post('/v1/chat/completions', hello('echo'), key)).status);
    };
    const traffic = [gateway, gateway, other].map(ask);

    for (const key_alias of ['desktop', 'tower', 'laptop'])
      await gateway.post('/key/update', { key, key_alias }).expect(200);
    isOver = true;
    await Promise.all(traffic);

    expect(statuses.length).toBeGreaterThan(5);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });

  it.each([
    ['key', {}],
    ['key', { key: 5 }],
    ['models', { key: 'sk-x', models: 'echo' }],
    ['key_alias', { key: 'sk-x', key_alias: 'with a space' }],
    ['blocked', { key: 'sk-x', blocked: 'yes' }],
    ['rpm_limit', { key: 'sk-x', rpm_limit: 5 }],
  ])('is refused for an invalid %s', async (param, content) => {
    const { status, body } = await gateway.post('/key/update', content);

    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { type: 'invalid_request_error', param } });
  });

  it.each(['update', 'block', 'unblock'])('fails with 404 for a missing key: %s', async (route) => {
    const { status } = await gateway.post(`/key/${route}`, { key: 'sk-of-nobody-at-all-1' });

    expect(status).toBe(404);
  });

  it.each(['update', 'block', 'unblock', 'regenerate'])(
    'needs the master key: %s',
    async (route) => {
      const { key } = await gateway.generate();

      const { status } = await gateway.post(`/key/${route}`, { key }, key);

      expect(status).toBe(401);
    },
  );
});

describe('a block', () => {
  it.each([
    ['/key/block', {}],
    ['/key/update', { blocked: true }],
  ])('by %s disables the key at once, and can be lifted', async (path, content) => {
    const { key, token_id } = await gateway.generate({ key_alias: 'laptop' });
    const before = await statusOf(key);

    const { body } = await gateway.post(path, { key, ...content }).expect(200);
    const blocked = await gateway.post('/v1/chat/completions', hello('echo'), key);
    const { body: lifted } = await gateway.post('/key/unblock', { key: token_id }).expect(200);

    expect([before, blocked.status, await statusOf(key)]).toEqual([200, 401, 200]);
    expect(body).toMatchObject({ key_alias: 'laptop', blocked: true });
    expect(lifted).toMatchObject({ token: token_id, blocked: false });
  });

  it('survives a regeneration, and is visible in the information', async () => {
    const { key } = await gateway.generate({ blocked: true });

    const { body } = await gateway.post('/key/regenerate', { key });

    const next = (body as Issued).key;
    expect(await statusOf(next)).toBe(401);
    expect((await gateway.get(`/key/info?key=${next}`)).body).toMatchObject({
      info: { blocked: true },
    });
  });
});

const NOT_DATE = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;
