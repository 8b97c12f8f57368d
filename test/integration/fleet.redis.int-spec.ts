import Redis, { type RedisOptions } from 'ioredis';
import Redis6 from 'ioredis6';
import { RedisTransport } from 'nestjs-custom-secret-manager/fleet';
import { fleetTransportConformance } from 'nestjs-custom-secret-manager/testing';
import { createClient } from 'redis';
import { createClient as createClient4 } from 'redis4';
import { createClient as createClient5 } from 'redis5';
import { failureOf, startValkeyBroker, type Broker } from './support/brokers';

jest.setTimeout(60_000);

let valkey: Broker;
let fail: ReturnType<typeof failureOf>;
let closeClients: (() => unknown)[] = [];

beforeAll(async () => {
  valkey = await startValkeyBroker();
  fail = failureOf(valkey);
});

afterAll(() => valkey.stop());

afterEach(() => {
  for (const close of closeClients) close();
  closeClients = [];
});

const ioredis = (Client: typeof Redis, options: RedisOptions = {}): Redis => {
  const client = new Client({ host: '127.0.0.1', port: valkey.port, ...options });
  client.on('error', () => undefined);
  closeClients.push(() => client.disconnect());
  return client;
};

const nodeRedis4 = async (): Promise<RedisTransport> => {
  const client = createClient4({ url: `redis://127.0.0.1:${valkey.port}` });
  client.on('error', () => undefined);
  closeClients.push(() => client.disconnect().catch(() => undefined));
  await client.connect();
  return new RedisTransport(client);
};

const nodeRedis5 = async (): Promise<RedisTransport> => {
  const client = createClient5({ url: `redis://127.0.0.1:${valkey.port}` });
  client.on('error', () => undefined);
  closeClients.push(() => client.destroy());
  await client.connect();
  return new RedisTransport(client);
};

const nodeRedis6 = async (RESP: 2 | 3): Promise<RedisTransport> => {
  const client = createClient({ socket: { host: '127.0.0.1', port: valkey.port }, RESP });
  client.on('error', () => undefined);
  closeClients.push(() => client.destroy());
  await client.connect();
  return new RedisTransport(client);
};

const bare: RedisOptions = { keyPrefix: 'team:', lazyConnect: true, enableOfflineQueue: false };

describe.each<[string, () => RedisTransport | Promise<RedisTransport>]>([
  ['ioredis 5', () => new RedisTransport(ioredis(Redis))],
  ['ioredis 6', () => new RedisTransport(ioredis(Redis6 as unknown as typeof Redis))],
  ['ioredis 5, lazy, with a prefix and no queue', () => new RedisTransport(ioredis(Redis, bare))],
  ['node-redis 4', nodeRedis4],
  ['node-redis 5', nodeRedis5],
  ['node-redis 6', () => nodeRedis6(2)],
  ['node-redis 6, RESP 3', () => nodeRedis6(3)],
])('RedisTransport of %s', (_, create) => {
  const cases = fleetTransportConformance({
    create,
    fail: (fault) => fail(fault),
    caseTimeoutMs: 20_000,
  });

  it.each(cases)('$title', async (one) => {
    expect(one.skip).toBeUndefined();
    await one.run();
  });
});
