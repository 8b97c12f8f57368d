import Redis from 'ioredis';
import Redis6 from 'ioredis6';
import type { Secret } from 'nestjs-custom-secret-manager';
import { liveRedis, redisCredentials } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { createClient } from 'redis';
import { closeApplications, startWith } from '../support/application';
import { removeAtOnce } from './support/remove-at-once';
import { ROTATIONS } from './support/rotate-under-load';
import { startValkey, type Valkey } from './support/valkey';

jest.setTimeout(60_000 + ROTATIONS * 300);

/** One connection carries the calls of all callers. */
const IN_HAND = 50;

/** One read finds the new login. One more may follow for a login that was under way at that time. */
const READS = 2;

let valkey: Valkey;
let store: InMemorySecretManager;
let credentials: Secret;
let prefix = '';
let tests = 0;

const userOf = (round: number): string => `${prefix}-${round}`;
const passwordOf = (round: number): string => `password-${prefix}-${round}`;
const loginOf = (round: number): string =>
  JSON.stringify({ username: userOf(round), password: passwordOf(round) });
const server = (): { host: string; port: number } => ({ host: '127.0.0.1', port: valkey.port });

beforeAll(async () => {
  valkey = await startValkey();
});

afterAll(() => valkey.stop());

beforeEach(async () => {
  tests += 1;
  prefix = `user-${tests}`;
  await valkey.addUser(userOf(0), passwordOf(0));
  store = new InMemorySecretManager({ REDIS: loginOf(0) });
  const { secrets } = await startWith(store, { preload: ['REDIS'] });
  credentials = secrets.secret('REDIS');
});

afterEach(closeApplications);

/** The user is replaced by another one. Valkey closes the connections of a user who is removed. */
const users = {
  inHand: IN_HAND,
  reads: () => store.calls.length,
  replace: async (round: number): Promise<void> => {
    await valkey.addUser(userOf(round), passwordOf(round));
    store.rotate('REDIS', loginOf(round));
    await valkey.removeUser(userOf(round - 1));
  },
};

describe('a credential that is removed at once', () => {
  it.each([
    ['ioredis 5', Redis],
    ['ioredis 6', Redis6 as unknown as typeof Redis],
  ])('fails the calls in hand of liveRedis, %s', async (version, Base) => {
    const redis = new (liveRedis(Base, credentials))(server());
    redis.on('error', () => undefined);

    const { failed, reads } = await removeAtOnce({
      feed: `liveRedis, ${version}`,
      call: () => credentials.use(() => redis.incr('calls')),
      ...users,
    });
    redis.disconnect();

    expect(failed).toBeLessThanOrEqual(IN_HAND);
    expect(reads).toBeLessThanOrEqual(READS);
  });

  it.each([2, 3] as const)('fails the calls in hand of node-redis, RESP %i', async (RESP) => {
    const client = createClient({
      socket: server(),
      RESP,
      credentialsProvider: redisCredentials(credentials),
    });
    client.on('error', () => undefined);
    await client.connect();

    const { failed, reads } = await removeAtOnce({
      feed: `redisCredentials, node-redis, RESP ${RESP}`,
      call: () => credentials.use(() => client.incr('calls')),
      ...users,
    });
    client.destroy();

    expect(failed).toBeLessThanOrEqual(IN_HAND);
    expect(reads).toBeLessThanOrEqual(READS);
  });
});
