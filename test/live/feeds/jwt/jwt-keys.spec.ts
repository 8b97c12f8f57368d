import { JwtService } from '@nestjs/jwt';
import { jwtKeys, type JwtKeys } from 'nestjs-custom-secret-manager/live';
import { closeApplications } from '../../../support/application';
import { CANARY, shown, startLive, type Live } from '../support';

const SIGN = 0;
const VERIFY = 1;

let live: Live;
let clock: jest.SpyInstance<number>;
let passedMs = 0;

beforeEach(async () => {
  live = await startLive({ KEY: 'key-0' });
  const now = performance.now.bind(performance);
  passedMs = 0;
  clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + passedMs);
});

afterEach(async () => {
  clock.mockRestore();
  await closeApplications();
});

const signedWith = (secret: string, algorithm: 'HS256' | 'HS512' = 'HS256'): string =>
  new JwtService().sign({ sub: 'ada' }, { secret, algorithm });

const keyFor = async (keys: JwtKeys, token: string): Promise<string> => await keys(VERIFY, token);

describe('jwtKeys', () => {
  it('signs with the current key, without a promise', async () => {
    const keys = jwtKeys(live.secret('KEY'), { overlapMs: 1_000 });
    const before = keys(SIGN, { sub: 'ada' });

    await live.rotate('KEY', 'key-1');

    expect([before, keys(SIGN, { sub: 'ada' })]).toEqual(['key-0', 'key-1']);
  });

  it('verifies with the last three keys until their overlap is over', async () => {
    const keys = jwtKeys(live.secret('KEY'), { overlapMs: 60_000 });
    for (const round of [1, 2, 3, 4]) await live.rotate('KEY', `key-${round}`);
    const found = async (): Promise<boolean[]> => {
      const rounds = [0, 1, 2, 3, 4].map((round) => `key-${round}`);
      const given = await Promise.all(rounds.map((key) => keyFor(keys, signedWith(key))));
      return given.map((key, round) => key === rounds[round]);
    };
    const within = await found();

    passedMs = 60_001;

    expect(within).toEqual([false, true, true, true, true]);
    expect(await found()).toEqual([false, false, false, false, true]);
  });

  it('answers at once if a known key fits', () => {
    const keys = jwtKeys(live.secret('KEY'), { overlapMs: 1_000 });

    expect(keys(VERIFY, signedWith('key-0'))).toBe('key-0');
  });

  it('reads once more if no key fits', async () => {
    const keys = jwtKeys(live.secret('KEY'), { overlapMs: 1_000 });
    live.store.rotate('KEY', 'key-1'); // by another instance

    expect(await keyFor(keys, signedWith('key-1'))).toBe('key-1');
    expect(await keyFor(keys, signedWith('key-0'))).toBe('key-0');
  });

  it.each([
    ['no token', 'nonsense'],
    ['a token without a signature', signedWith('key-0').replace(/[^.]*$/, '')],
    ['an unreadable header', `%%%.${CANARY}.x`],
    ['the algorithm none', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.x`],
    ['an algorithm that is not listed', signedWith('key-0', 'HS512')],
  ])('gives a key of nobody for %s, and reads nothing', async (_, token) => {
    const keys = jwtKeys(live.secret('KEY'), { overlapMs: 1_000, algorithms: ['HS256'] });
    const before = live.store.calls.length;

    const key = keys(VERIFY, token);

    expect(typeof key).toBe('string');
    expect(key).not.toBe('key-0');
    expect(key).not.toBe(keys(VERIFY, token));
    expect(live.store.calls).toHaveLength(before);
  });

  it('passes the error of the secret to passport', async () => {
    const keys = jwtKeys(live.secret('MISSING'), { overlapMs: 1_000 });

    const error = await new Promise((resolve) =>
      keys.forPassport({}, signedWith('key-0'), resolve),
    );

    expect(error).toMatchObject({ code: 'NOT_FOUND' });
    expect(() => keys(SIGN, {})).toThrow('"MISSING"');
  });

  it.each([
    ['no options', undefined],
    ['no overlap', {}],
    ['a negative overlap', { overlapMs: -1 }],
    ['an overlap that is no number', { overlapMs: '60000' }],
    ['an endless overlap', { overlapMs: Infinity }],
    ['an unknown option', { overlapMs: 1, overlap: CANARY }],
    ['no algorithms', { overlapMs: 1, algorithms: [] }],
    ['the algorithm none', { overlapMs: 1, algorithms: ['none'] }],
    ['mixed algorithms', { overlapMs: 1, algorithms: ['HS256', 'RS256'] }],
  ])('refuses %s at once', (_, options) => {
    const call = (): unknown => jwtKeys(live.secret('KEY'), options as never);

    expect(call).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('shows no key in an inspection', async () => {
    const keys = jwtKeys(live.secret('KEY'), { overlapMs: 1_000 });
    await live.rotate('KEY', CANARY);
    await keyFor(keys, signedWith('key-0'));

    expect(shown(keys)).not.toContain(CANARY);
  });
});
