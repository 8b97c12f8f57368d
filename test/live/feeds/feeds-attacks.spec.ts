import {
  liveKnex,
  livePgClient,
  liveRedis,
  liveSequelize,
  liveTls,
} from 'nestjs-custom-secret-manager/live';
import { closeApplications } from '../../support/application';
import { CANARY, startLive } from './support';

const login = { username: 'ada', password: CANARY };

afterEach(closeApplications);

describe('A feed of what is no client', () => {
  const wrong: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a text', CANARY],
    ['an object', {}],
    ['a function that is no class', () => undefined],
    ['a class of something else', class {}],
  ];

  it.each(wrong)('is refused at once: %s', async (_, given) => {
    const { secret } = await startLive({ DB: login });
    const feeds: [string, () => unknown][] = [
      ['livePgClient', () => livePgClient(given as never, secret('DB'))],
      ['liveRedis', () => liveRedis(given as never, secret('DB'))],
      ['liveSequelize', () => liveSequelize(given as never, secret('DB'))],
      ['liveTls', () => liveTls(given as never, secret('DB'))],
    ];

    for (const [operation, feed] of feeds) {
      const call = async (): Promise<unknown> => await feed();
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation });
      expect(String(error)).toContain(`${operation}() takes`);
      expect(String(error)).not.toContain(CANARY);
    }
  });

  it.each([
    ['a base that is undefined', undefined, {}],
    ['a base that is null', null, {}],
    ['a base that is a text', `postgres://ada:${CANARY}@db/app`, {}],
    ['a pool that is null', {}, null],
    ['a pool that is a number', {}, 10],
  ])('is refused at once by liveKnex: %s', async (_, base, pool) => {
    const { secret } = await startLive({ DB: login });
    const call = (): unknown => liveKnex(secret('DB'), base as never, pool as never);

    expect(call).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', operation: 'liveKnex' }),
    );
    expect(call).not.toThrow(CANARY);
  });
});

describe('A feed after the shutdown', () => {
  it('fails its connections with UNAVAILABLE', async () => {
    const { secret } = await startLive({ DB: login });
    const { connection } = liveKnex(secret('DB'), {});

    await closeApplications();

    await expect(connection()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('Two handles', () => {
  it('may lack the user', async () => {
    const { secret } = await startLive({ DB: 'text' });
    const { connection } = liveKnex({ user: undefined, password: secret('DB') } as never, {});

    expect(await connection()).toHaveProperty('password', 'text');
  });

  it.each([
    ['an unknown name', { password: 'DB', usre: 'DB' }, '"usre" is unknown'],
    ['no password', { user: 'DB' }, 'password is missing'],
  ])('are refused with %s', async (_, names, problem) => {
    const { secret } = await startLive({ DB: 'text' });
    const handles = Object.entries(names).map(([field, name]) => [field, secret(name)] as const);

    expect(() => liveKnex(Object.fromEntries(handles) as never, {})).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(problem) as string,
      }),
    );
  });
});
