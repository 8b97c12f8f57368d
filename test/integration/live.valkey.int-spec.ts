import { Queue, QueueEvents, Worker } from 'bullmq';
import Redis from 'ioredis';
import Redis6 from 'ioredis6';
import type { Secret, SecretsService } from 'nestjs-custom-secret-manager';
import { liveRedis, redisCredentials } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import type { EventEmitter } from 'node:events';
import { createClient } from 'redis';
import { closeApplications, startWith, type CapturedLog } from '../support/application';
import { eventually } from './support/eventually';
import { ROTATIONS, rotateUnderLoad } from './support/rotate-under-load';
import { startValkey, type Valkey } from './support/valkey';

jest.setTimeout(60_000 + ROTATIONS * 300);

let valkey: Valkey;
let store: InMemorySecretManager;
let secrets: SecretsService;
let credentials: Secret;
let log: CapturedLog;
let prefix = '';
let tests = 0;

const userOf = (round: number): string => `${prefix}-${round}`;
const passwordOf = (round: number): string => `password-${prefix}-${round}`;
const loginOf = (round: number): string =>
  JSON.stringify({ username: userOf(round), password: passwordOf(round) });

beforeAll(async () => {
  valkey = await startValkey();
});

afterAll(() => valkey.stop());

beforeEach(async () => {
  tests += 1;
  prefix = `user-${tests}`;
  await valkey.addUser(userOf(0), passwordOf(0));
  store = new InMemorySecretManager({ REDIS: loginOf(0) });
  ({ secrets, log } = await startWith(store, { preload: ['REDIS'] }));
  credentials = secrets.secret('REDIS');
});

afterEach(closeApplications);

const server = (): { host: string; port: number } => ({ host: '127.0.0.1', port: valkey.port });

/** Valkey closes the connections of a user who is removed. */
const pairs = {
  rotate: async (round: number): Promise<void> => {
    await valkey.addUser(userOf(round), passwordOf(round));
    store.rotate('REDIS', loginOf(round));
    await secrets.refresh('REDIS');
  },
  remove: (round: number): Promise<void> => valkey.removeUser(userOf(round)),
};

describe.each([
  ['ioredis 5', Redis],
  ['ioredis 6', Redis6 as unknown as typeof Redis],
])('liveRedis, %s', (version, Base) => {
  let redis: Redis;

  const start = (): Redis => new (liveRedis(Base, credentials))(server());

  beforeEach(() => {
    redis = start();
  });

  afterEach(() => redis.disconnect());

  it('fails no call, and keeps its connection', async () => {
    const before = await redis.client('ID');

    const { failures } = await rotateUnderLoad({
      feed: `liveRedis, ${version}`,
      call: () => redis.incr('calls'),
      ...pairs,
    });

    expect(failures).toEqual([]);
    expect(await redis.client('ID')).toBe(before);
    expect(await redis.acl('WHOAMI')).toBe(userOf(ROTATIONS));
  });

  it('reconnects and duplicates with the login of the moment', async () => {
    await redis.ping();
    await pairs.rotate(1);

    redis.disconnect(true);
    await pairs.remove(0);
    const copy = redis.duplicate();
    const names = [await redis.acl('WHOAMI'), await copy.acl('WHOAMI')];
    await pairs.rotate(2);
    names.push(await redis.acl('WHOAMI'), await copy.acl('WHOAMI'));
    copy.disconnect();

    expect(copy).toBeInstanceOf(Base);
    expect(names).toEqual([userOf(1), userOf(1), userOf(2), userOf(2)]);
  });

  it('leaves a subscriber on its connection, which reconnects with the new login', async () => {
    const received: string[] = [];
    const subscriber = redis.duplicate();
    subscriber.on('message', (_, message) => received.push(message));
    await subscriber.subscribe('news');

    await pairs.rotate(1);
    await redis.publish('news', 'first');
    await pairs.remove(0); // ends the connection of the subscriber
    await eventually(
      'the subscriber is back',
      async () => (await redis.publish('news', 'second')) > 0,
    );
    await eventually('it received both', () => received.includes('second'));
    subscriber.disconnect();

    expect(received[0]).toBe('first');
  });

  it('keeps the former login if the server refuses the new one, and logs no value', async () => {
    await redis.ping();
    store.rotate('REDIS', loginOf(1)); // the server does not know it
    await secrets.refresh('REDIS');
    await eventually('it is logged', () => log.warnings.length > 0);

    expect(await redis.acl('WHOAMI')).toBe(userOf(0));
    expect(log.warnings.join()).toContain(
      'A connection of ioredis did not take "REDIS": ReplyError.',
    );
    expect(log.lines.join()).not.toContain(passwordOf(1));
  });
});

describe('redisCredentials, node-redis', () => {
  it.each([2, 3] as const)('fails no call, and keeps its connection (RESP %i)', async (RESP) => {
    const client = createClient({
      socket: server(),
      RESP,
      credentialsProvider: redisCredentials(credentials),
    });
    await client.connect();
    const before = await client.clientId();

    const { failures } = await rotateUnderLoad({
      feed: `redisCredentials, node-redis, RESP ${RESP}`,
      call: () => client.incr('calls'),
      ...pairs,
    });
    const after = [await client.clientId(), await client.aclWhoAmI()];
    client.destroy();

    expect(failures).toEqual([]);
    expect(after).toEqual([before, userOf(ROTATIONS)]);
  });

  it('reconnects with the login of the moment', async () => {
    const client = createClient({
      socket: server(),
      credentialsProvider: redisCredentials(credentials),
    });
    client.on('error', () => undefined);
    await client.connect();
    const id = await client.clientId();

    await pairs.rotate(1);
    await valkey.run('CLIENT', 'KILL', 'ID', String(id));
    await pairs.remove(0);
    await eventually('it is back', () => client.isReady);
    const user = await client.aclWhoAmI();
    client.destroy();

    expect(user).toBe(userOf(1));
  });
});

describe('liveRedis, BullMQ', () => {
  it('fails no job', async () => {
    const Live = liveRedis(Redis, credentials);
    const connection = new Live({ ...server(), maxRetriesPerRequest: null });
    const queue = new Queue('mail', { connection });
    const events = new QueueEvents('mail', { connection });
    const worker = new Worker('mail', async ({ data }) => data as number, {
      connection,
      concurrency: 50,
    });
    const parts: EventEmitter[] = [queue, events, worker];
    for (const part of parts) part.setMaxListeners(0).on('error', () => undefined);
    await Promise.all([queue, events, worker].map((part) => part.waitUntilReady()));

    const { failures } = await rotateUnderLoad({
      feed: 'liveRedis, BullMQ',
      call: async () => {
        const job = await queue.add('letter', 1, { removeOnComplete: 1000 });
        await job.waitUntilFinished(events, 10_000);
      },
      ...pairs,
    });
    await Promise.all([worker.close(), events.close(), queue.close()]);
    connection.disconnect();

    expect(failures).toEqual([]);
  });
});
