import {
  awsCredentials,
  jwtKeys,
  liveKnex,
  livePassword,
  livePgClient,
  liveRedis,
  liveSequelize,
  liveTls,
  redisCredentials,
  type LiveCredentials,
  type LiveValue,
} from 'nestjs-custom-secret-manager/live';
import { closeApplications } from '../../support/application';
import { CANARY, shown, startLive } from './support';

class FakeClient {
  connect(): Promise<void> {
    return Promise.resolve();
  }
  duplicate(): void {
    return undefined;
  }
}

/** Resolves to the login that a connection would take. */
async function loginOf(credentials: LiveCredentials): Promise<unknown> {
  const [login] = await redisCredentials(credentials).subscribe({
    onNext: () => undefined,
    onError: () => undefined,
  });
  return login;
}

afterEach(closeApplications);

describe('LiveCredentials', () => {
  it.each([
    ['username and password', { username: 'ada', password: 'p' }],
    ['user and password', { user: 'ada', password: 'p' }],
    ['both names of the user', { user: 'bob', username: 'ada', password: 'p' }],
    ['a lease with other fields', { username: 'ada', password: 'p', port: 5432, tags: ['a'] }],
  ])('reads one secret with %s', async (_, value) => {
    const { secret } = await startLive({ DB: value });

    expect(await loginOf(secret('DB'))).toEqual({ username: 'ada', password: 'p' });
  });

  it('reads two handles', async () => {
    const { secret } = await startLive({ DB_USER: 'ada', DB_PASSWORD: 'p' });

    const login = await loginOf({ user: secret('DB_USER'), password: secret('DB_PASSWORD') });

    expect(login).toEqual({ username: 'ada', password: 'p' });
  });

  it('reads a handle whose value is an object', async () => {
    const value = { username: 'ada', password: 'p' };
    const handle: LiveValue<typeof value> = {
      name: 'DB',
      expiresAt: undefined,
      reveal: () => value,
      get: async () => value,
      onChange: () => () => undefined,
      use: async (work) => await work(value),
    };

    expect(await loginOf(handle)).toEqual({ username: 'ada', password: 'p' });
  });

  it('may hold no user', async () => {
    const { secret } = await startLive({ DB: { password: 'p', username: null } });

    expect(await loginOf(secret('DB'))).toEqual({ password: 'p' });
  });

  it.each([
    ['no JSON', CANARY, 'is no JSON object'],
    ['broken JSON', `{"password":"${CANARY}"`, 'is no JSON object'],
    ['a text', JSON.stringify(CANARY), 'is no JSON object'],
    ['a list', [CANARY], 'is no JSON object'],
    ['no password', { username: CANARY }, 'has no field password'],
    ['an empty password', { username: CANARY, password: '' }, 'has an empty field password'],
    [
      'a number as password',
      { username: CANARY, password: 12_345_678 },
      'a number as its field password',
    ],
    ['a list as user', { username: [CANARY], password: CANARY }, 'an array as its field username'],
  ])('fails with the name and no value for %s', async (_, value, problem) => {
    const { secret } = await startLive({ DB: value });

    const error: unknown = await loginOf(secret('DB')).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'MALFORMED', secretName: 'DB' });
    expect(String(error)).toContain(`The secret "DB" `);
    expect(String(error)).toContain(problem);
    expect(shown(error)).not.toMatch(/tell-nobody|12345678/);
  });

  it('listens to both handles, and unsubscribes from both', async () => {
    const { secret, rotate } = await startLive({ DB_USER: 'ada', DB_PASSWORD: 'p' });
    const onNext = jest.fn();
    const credentials = { user: secret('DB_USER'), password: secret('DB_PASSWORD') };
    const [, subscription] = await redisCredentials(credentials).subscribe({
      onNext,
      onError: () => undefined,
    });

    await rotate('DB_USER', 'bob');
    await rotate('DB_PASSWORD', 'q');
    await new Promise(setImmediate);
    subscription.dispose();
    await rotate('DB_PASSWORD', 'r');
    await new Promise(setImmediate);

    expect(onNext.mock.calls).toEqual([
      [{ username: 'bob', password: 'p' }],
      [{ username: 'bob', password: 'q' }],
    ]);
  });
});

describe('Each feed', () => {
  const sequelize = { addHook: (): void => undefined };
  const feeds: [string, (given: never) => unknown][] = [
    ['livePassword', (given) => livePassword(given)],
    ['livePgClient', (given) => livePgClient(FakeClient, given)],
    ['liveKnex', (given) => liveKnex(given, {})],
    ['liveSequelize', (given) => liveSequelize(sequelize, given)],
    ['redisCredentials', (given) => redisCredentials(given)],
    ['liveRedis', (given) => liveRedis(FakeClient, given)],
    ['jwtKeys', (given) => jwtKeys(given, { overlapMs: 1 })],
    ['awsCredentials', (given) => awsCredentials(given)],
    [
      'liveTls',
      (given) => liveTls({ setSecureContext: () => undefined, once: () => undefined }, given),
    ],
  ];
  const wrong: [string, unknown][] = [
    ['a text', CANARY],
    ['undefined', undefined],
    ['null', null],
    ['no handles', {}],
    ['texts', { user: CANARY, password: CANARY, key: CANARY, cert: CANARY }],
    ['a promise of a handle', Promise.resolve()],
  ];

  it.each(
    feeds.flatMap(([name, feed]) =>
      wrong.map(([what, given]) => [name, what, feed, given] as const),
    ),
  )('%s refuses %s at once', async (name, _, feed, given) => {
    const call = async (): Promise<unknown> => await (feed as (given: unknown) => unknown)(given);

    const error: unknown = await call().catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation: name });
    expect(shown(error)).not.toContain(CANARY);
  });

  it('shows no value in an inspection', async () => {
    const pair = { username: CANARY, password: CANARY };
    const { secret } = await startLive({ DB: pair, PASSWORD: CANARY });
    const hooks: unknown[] = [];
    liveSequelize({ addHook: (...hook) => hooks.push(hook) }, secret('DB'));
    const knex = liveKnex(secret('DB'), { host: 'db' });
    const keys = jwtKeys(secret('PASSWORD'), { overlapMs: 1 });
    void keys(0, {});

    const made = [
      livePassword(secret('PASSWORD')),
      livePgClient(FakeClient, secret('DB')),
      liveRedis(FakeClient, secret('DB')),
      redisCredentials(secret('DB')),
      awsCredentials(secret('DB')),
      ...[knex, await knex.connection(), keys, hooks],
    ];

    expect(made.map(shown).join()).not.toContain(CANARY.slice(0, 6));
  });
});
