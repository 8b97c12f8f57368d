import {
  NatsTransport,
  PostgresTransport,
  RedisTransport,
} from 'nestjs-custom-secret-manager/fleet';
import { InMemoryTransport } from 'nestjs-custom-secret-manager/testing';
import { Cluster, Redis } from 'ioredis';
import { Client, Pool } from 'pg';
import { createClient, createClientPool, createCluster } from 'redis';
import { createClient as createClient4 } from 'redis4';

const CANARY = 'canary-4242';
const redis = new Redis({ lazyConnect: true });
const pool = new Pool();
const natsLike = {
  ...{ publish: jest.fn(), subscribe: jest.fn(), flush: jest.fn(), closed: jest.fn() },
  ...{ status: jest.fn(), isClosed: jest.fn(), close: jest.fn() },
};
const newClient = (): Client => new Client();

type Construct = new (...given: unknown[]) => object;

describe.each<
  [name: string, Class: unknown, rows: [what: string, given: unknown[], text: RegExp][]]
>([
  [
    'NatsTransport',
    NatsTransport,
    [
      [
        'no connection',
        [],
        /needs a connection of @nats-io\/transport-node, or a function .* undefined/,
      ],
      ['null', [null], /got null/],
      ['an address', [`nats://user:${CANARY}@host`], /got a string/],
      ['options of a connection', [{ servers: 'host', pass: CANARY }], /got a plain object/],
      ['a promise', [Promise.resolve(natsLike)], /got a promise; await it first/],
      ['a client of Redis', [redis], /got an object of another class/],
      ['a connection without publish', [{ ...natsLike, publish: undefined }], /needs a connection/],
      [
        'options that are a text',
        [natsLike, CANARY],
        /takes its options as an object, and got a string/,
      ],
      ['null as options', [natsLike, null], /takes its options as an object, and got null/],
      [
        'an unknown option',
        [natsLike, { subjct: 'a' }],
        /no option "subjct"; its options are subject/,
      ],
      ['an empty subject', [natsLike, { subject: '' }], /`subject` that is not empty/],
      ['a number as subject', [natsLike, { subject: 7 }], /a text as `subject`, and got a number/],
      ['a space in the subject', [natsLike, { subject: 'a b' }], /without spaces and wildcards/],
      ['a wildcard', [natsLike, { subject: 'a.*' }], /without spaces and wildcards/],
      ['the other wildcard', [natsLike, { subject: 'a.>' }], /without spaces and wildcards/],
      ['an empty token', [natsLike, { subject: 'a..b' }], /tokens with a dot between them/],
      ['a line break', [natsLike, { subject: 'a\r\nPUB b 0' }], /without control characters/],
    ],
  ],
  [
    'RedisTransport',
    RedisTransport,
    [
      ['no client', [], /needs a client of ioredis or node-redis, and got undefined/],
      ['an address', [`redis://:${CANARY}@host`], /got a string/],
      ['options of a client', [{ host: 'host', password: CANARY }], /got a plain object/],
      ['a promise', [createClientPromise()], /got a promise; await it first/],
      ['a function', [() => redis], /got a function/],
      ['a client of pg', [pool], /got an object of another class/],
      ['a cluster of ioredis', [lazyCluster()], /got a cluster\. A client of one of its nodes/],
      ['a cluster of node-redis', [createCluster({ rootNodes: [] })], /got a cluster/],
      ['a pool of node-redis', [createClientPool()], /got an object of another class/],
      ['the legacy mode', [createClient4({ legacyMode: true })], /in its legacy mode/],
      [
        'an unknown option',
        [redis, { chanel: 'a' }],
        /no option "chanel"; its options are channel/,
      ],
      ['an empty channel', [redis, { channel: '' }], /`channel` that is not empty/],
      ['a Buffer as channel', [redis, { channel: Buffer.from('a') }], /needs a text as `channel`/],
    ],
  ],
  [
    'PostgresTransport',
    PostgresTransport,
    [
      ['no options', [], /takes its options as an object, and got undefined/],
      ['no connect', [{}], /needs a function `connect` that returns a new Client of pg/],
      ['a client as connect', [{ connect: newClient() }], /needs a function `connect`.* an object/],
      ['a client as options', [pool], /has no option/],
      ['an empty channel', [{ connect: newClient, channel: '' }], /`channel` that is not empty/],
      [
        '64 bytes',
        [{ connect: newClient, channel: 'c'.repeat(64) }],
        /at most 63 bytes, and got 64/,
      ],
      ['64 bytes of 32 letters', [{ connect: newClient, channel: 'ü'.repeat(32) }], /and got 64/],
      ['a zero byte', [{ connect: newClient, channel: 'a\0b' }], /without control characters/],
      ['an unknown option', [{ connect: newClient, subject: 'a' }], /options are connect, channel/],
    ],
  ],
  [
    'InMemoryTransport',
    InMemoryTransport,
    [['no bus', [], /needs an InMemoryBus, and got undefined/]],
  ],
])('%s', (name, Class, rows) => {
  it.each(rows)('refuses %s', (_, given, text) => {
    const construct = (): object => new (Class as Construct)(...given);

    expect(construct).toThrow(expect.objectContaining({ code: 'MISCONFIGURED' }));
    expect(construct).toThrow(text);
    expect(construct).toThrow(expect.objectContaining({ message: expect.stringMatching(name) }));
    expect(construct).not.toThrow(CANARY);
  });
});

describe('The transports', () => {
  it('take the clients of all supported libraries', () => {
    expect(() => [
      new RedisTransport(redis),
      new RedisTransport(createClient()),
      new RedisTransport(createClient4(), { channel: 'team:fleet' }),
      new PostgresTransport({ connect: newClient, channel: 'c'.repeat(63) }),
      new PostgresTransport({ connect: async () => new Client(), channel: 'Team "fleet"' }),
      new NatsTransport(() => Promise.reject(new Error('It is away.')), { subject: 'a.b-c_d' }),
    ]).not.toThrow();
  });

  it('refuse at run time what a function returns instead of a client', async () => {
    const nats = new NatsTransport((() => redis) as never);
    const postgres = new PostgresTransport({ connect: (() => pool) as never });

    await expect(nats.publish(new Uint8Array(1))).rejects.toThrow(
      'NatsTransport needs a connection of @nats-io/transport-node',
    );
    await expect(postgres.publish(new Uint8Array(1))).rejects.toThrow(
      'PostgresTransport needs a new Client of pg from `connect`, and got a Pool.',
    );
  });
});

function createClientPromise(): Promise<unknown> {
  return Promise.resolve(redis);
}

function lazyCluster(): Cluster {
  return new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
}
