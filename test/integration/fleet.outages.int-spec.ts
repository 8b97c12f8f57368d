import { connect } from '@nats-io/transport-node';
import Redis, { type RedisOptions } from 'ioredis';
import {
  NatsTransport,
  PostgresTransport,
  RedisTransport,
  type FleetTransport,
} from 'nestjs-custom-secret-manager/fleet';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createClient } from 'redis';
import {
  startNats,
  startPostgresBroker,
  startValkeyBroker,
  type Broker,
  type PostgresBroker,
} from './support/brokers';
import { eventually } from './support/eventually';
import { Hearing } from './support/hearing';

/** The number of outages of each kind. `FLEET_OUTAGES=50` runs the long form. */
const OUTAGES = Number(process.env.FLEET_OUTAGES ?? 4);

jest.setTimeout(60_000 + OUTAGES * 20_000);

let nats: Broker;
let valkey: Broker;
let postgres: PostgresBroker;
let closeClients: (() => Promise<unknown>)[] = [];
let warnings: string[] = [];

beforeAll(async () => {
  [nats, valkey, postgres] = await Promise.all([
    startNats(),
    startValkeyBroker(),
    startPostgresBroker(),
  ]);
});

afterAll(() => Promise.all([nats, valkey, postgres].map((broker) => broker.stop())));

beforeEach(() => {
  warnings = [];
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(String(warning));
  });
});

afterEach(async () => {
  await Promise.all(closeClients.map((close) => close()));
  closeClients = [];
  jest.restoreAllMocks();
});

const natsOptions = (): object => ({
  port: nats.port,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
});

const natsConnection = async (): Promise<FleetTransport> => {
  const connection = await connect(natsOptions());
  closeClients.push(() => connection.close());
  return new NatsTransport(connection);
};

const ioredisClient = (options: RedisOptions = {}): Redis => {
  const client = new Redis({ host: '127.0.0.1', port: valkey.port, ...options });
  client.on('error', () => undefined);
  closeClients.push(async () => client.disconnect());
  return client;
};

const nodeRedis = async (): Promise<FleetTransport> => {
  const client = createClient({ socket: { host: '127.0.0.1', port: valkey.port } });
  client.on('error', () => undefined);
  closeClients.push(async () => client.destroy());
  await client.connect();
  return new RedisTransport(client);
};

const pgClient = (): Client =>
  new Client({ host: '127.0.0.1', port: postgres.port, database: 'postgres', ...postgres.login });

const KINDS: [string, () => Broker, () => FleetTransport | Promise<FleetTransport>][] = [
  ['a connection to NATS', () => nats, natsConnection],
  [
    'a function that connects to NATS',
    () => nats,
    () => new NatsTransport(() => connect(natsOptions())),
  ],
  ['ioredis', () => valkey, () => new RedisTransport(ioredisClient())],
  ['node-redis', () => valkey, nodeRedis],
  ['PostgreSQL', () => postgres, () => new PostgresTransport({ connect: pgClient })],
];

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

describe.each(KINDS)('A transport over %s', (_, brokerOf, create) => {
  it('delivers again after each kill, and connects anew each time', async () => {
    const [one, other] = [await Hearing.of(await create()), await Hearing.of(await create())];

    for (let outage = 1; outage <= OUTAGES; outage += 1) {
      await brokerOf().kill();
      await eventually('both are cut', () => one.isCut && other.isCut);
      await brokerOf().start();
      await eventually('both are back', () => !one.isCut && !other.isCut);
      await one.says(`after kill ${outage}`, other);
      await other.says(`back after kill ${outage}`, one);
    }
    await Promise.all([one.end(), other.end()]);

    expect(one.connections).toBe(OUTAGES + 1);
    expect(other.connections).toBe(OUTAGES + 1);
  });

  it('delivers again after each freeze, to old and new subscriptions', async () => {
    const [one, other] = [await Hearing.of(await create()), await Hearing.of(await create())];

    for (let outage = 1; outage <= OUTAGES; outage += 1) {
      await brokerOf().freeze();
      await one.end();
      await one.listen();
      await new Promise((resolve) => setTimeout(resolve, 100));
      await brokerOf().thaw();
      await eventually('it is back', () => !one.isCut);
      await one.says(`after freeze ${outage}`, other);
      await other.says(`back after freeze ${outage}`, one);
    }
    await Promise.all([one.end(), other.end()]);

    expect(other.connections).toBe(1);
  });

  it.each(['runs', 'is frozen', 'is away'])(
    'leaves no socket behind when the broker %s',
    async (state) => {
      const transport = await create();
      await transport.publish(new Uint8Array([1])); // a lazy client has connected
      const before = sockets();
      const hearing = await Hearing.of(transport);
      if (state === 'is frozen') await brokerOf().freeze();
      if (state === 'is away') {
        await brokerOf().kill();
        await eventually('it is cut', () => hearing.isCut);
      }

      await hearing.end();
      await new Promise((resolve) => setImmediate(resolve));
      const after = sockets();
      if (state === 'is frozen') await brokerOf().thaw();
      if (state === 'is away') await brokerOf().start();

      expect(after).toBeLessThanOrEqual(before);
    },
  );
});

describe('The client of the team', () => {
  it('stays open: NATS', async () => {
    const connection = await connect(natsOptions());
    closeClients.push(() => connection.close());
    const before = connection.stats().outMsgs;

    const hearing = await Hearing.of(new NatsTransport(connection));
    await hearing.end();
    await connection.flush();

    expect([connection.isClosed(), connection.stats().outMsgs - before]).toEqual([false, 0]);
  });

  it('stays open: ioredis', async () => {
    const client = ioredisClient();

    const hearing = await Hearing.of(new RedisTransport(client));
    await hearing.end();

    expect([await client.ping(), client.mode]).toEqual(['PONG', 'normal']);
  });

  it.each<[string, RedisOptions]>([
    ['keyPrefix', { keyPrefix: 'team:' }],
    ['lazyConnect', { lazyConnect: true }],
    ['enableOfflineQueue: false', { enableOfflineQueue: false }],
    ['all three', { keyPrefix: 'team:', lazyConnect: true, enableOfflineQueue: false }],
    ['another database', { db: 3 }],
    ['no ready check', { enableReadyCheck: false }],
    ['no resubscription', { autoResubscribe: false }],
    ['a strategy that gives up', { retryStrategy: () => null }],
    ['maxRetriesPerRequest: 0', { maxRetriesPerRequest: 0 }],
    ['RESP 3', { protocol: 3 } as RedisOptions],
  ])('may have %s, and hears clients without', async (_, options) => {
    const plain = await Hearing.of(new RedisTransport(ioredisClient()));
    const special = await Hearing.of(new RedisTransport(ioredisClient(options)));

    await special.says('from the special one', plain);
    await plain.says('from the plain one', special);
    await Promise.all([plain.end(), special.end()]);

    expect(special.connections).toBe(1);
  });

  it('may give up: the subscriber does not', async () => {
    const client = ioredisClient({ retryStrategy: () => null, lazyConnect: true });
    const hearing = await Hearing.of(new RedisTransport(client));

    await valkey.kill();
    await eventually('it is cut', () => hearing.isCut);
    await valkey.start();
    await eventually('it is back', () => !hearing.isCut);
    await hearing.end();

    expect(hearing.connections).toBe(2);
  });
});

describe('NatsTransport', () => {
  it('connects again through its function when a connection has closed for good', async () => {
    const connecting = jest.fn(() =>
      connect({ port: nats.port, maxReconnectAttempts: 2, reconnectTimeWait: 50 }),
    );
    const hearing = await Hearing.of(new NatsTransport(connecting));

    await nats.kill();
    await eventually('it has called the function again', () => connecting.mock.calls.length > 2);
    await nats.start();
    await eventually('it is back', () => !hearing.isCut);
    await hearing.says('hello', hearing);
    await hearing.end();

    expect(hearing.connections).toBe(2);
  });

  it('warns once of a connection that gives up, and names the options', async () => {
    const connection = await connect({ port: nats.port, reconnectTimeWait: 20 });
    const hearing = await Hearing.of(new NatsTransport(connection));

    await nats.kill();
    await connection.closed();
    await eventually('it is cut', () => hearing.isCut);
    await nats.start();
    await hearing.end();

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('maxReconnectAttempts: -1');
    expect(warnings[0]).toContain('waitOnFirstConnect: true');
  });

  it('is silent about a connection that never gives up', async () => {
    await natsConnection();

    expect(warnings).toEqual([]);
  });
});

describe('A login that the broker refuses', () => {
  it('is a warning with NATS', async () => {
    const guarded = await startNats('--user', 'fleet', '--pass', 'right-4242');
    const login = { port: guarded.port, user: 'fleet', pass: 'wrong-4242' };
    const end = await refused(new NatsTransport(() => connect(login)));

    await end();
    await guarded.stop();

    expect(warnings).toEqual([
      'NatsTransport cannot subscribe: its broker refuses the login (AuthorizationError). It tries again.',
    ]);
  });

  it('is a warning with ioredis', async () => {
    const guarded = await startValkeyBroker('--requirepass', 'right-4242');
    const client = ioredisClient({ port: guarded.port, password: 'wrong-4242' });
    const end = await refused(new RedisTransport(client));

    await end();
    await guarded.stop();

    expect(warnings).toEqual([
      'RedisTransport cannot subscribe: its broker refuses the login (ReplyError WRONGPASS). It tries again.',
    ]);
  });

  it('is a warning with PostgreSQL', async () => {
    const login = { ...postgres.login, password: 'wrong-4242' };
    const client = (): Client =>
      new Client({ host: '127.0.0.1', port: postgres.port, database: 'postgres', ...login });
    const end = await refused(new PostgresTransport({ connect: client }));

    await end();

    expect(warnings).toEqual([
      'PostgresTransport cannot subscribe: its broker refuses the login (28P01). It tries again.',
    ]);
  });

  it('is a warning where the user may not subscribe', async () => {
    const guarded = await startNats('-c', natsConfig());
    const login = { port: guarded.port, user: 'mute', pass: 'right-4242' };
    const end = await refused(new NatsTransport(() => connect(login)));

    await end();
    await guarded.stop();

    expect(warnings).toEqual([
      'NatsTransport cannot subscribe: its broker does not permit the channel (PermissionViolationError). It tries again.',
    ]);
  });
});

async function refused(transport: FleetTransport): Promise<() => Promise<void>> {
  const hearing = new Hearing(transport);
  await hearing.listen();
  await eventually('it is warned of', () => warnings.length > 0);
  expect(hearing.connections).toBe(0);
  expect(warnings.join()).not.toContain('4242');
  return () => hearing.end();
}

/** Returns the path of a configuration with a user who may not subscribe. */
function natsConfig(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'nats-')), 'nats.conf');
  const user = '{ user: mute, password: "right-4242", permissions: { subscribe: "other" } }';
  writeFileSync(path, `authorization { users: [ ${user} ] }\n`);
  return path;
}
