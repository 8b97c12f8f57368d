import Redis from 'ioredis';
import type { LiveCredentials } from 'nestjs-custom-secret-manager/live';
import {
  liveRedis,
  liveTls,
  livePgClient,
  redisCredentials,
} from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import type { SecretsService } from 'nestjs-custom-secret-manager';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import pg from 'pg';
import { createClient } from 'redis';
import { closeApplications, startWith, type CapturedLog } from '../support/application';
import { eventually } from './support/eventually';
import { startPostgres, type Postgres } from './support/postgres';
import { ROTATIONS, rotateUnderLoad } from './support/rotate-under-load';
import { selfSigned } from './support/self-signed';
import { startValkey, type Valkey } from './support/valkey';

jest.setTimeout(60_000 + ROTATIONS * 300);

let store: InMemorySecretManager;
let secrets: SecretsService;
let log: CapturedLog;
let credentials: LiveCredentials;
let prefix = '';
let tests = 0;

const userOf = (round: number): string => `${prefix}_${round}`;
const passwordOf = (round: number): string => `password-${prefix}-${round}`;

async function start(): Promise<void> {
  tests += 1;
  prefix = `user_${tests}`;
  store = new InMemorySecretManager({ USER: userOf(0), PASSWORD: passwordOf(0) });
  ({ secrets, log } = await startWith(store, { preload: ['USER', 'PASSWORD'] }));
  credentials = { user: secrets.secret('USER'), password: secrets.secret('PASSWORD') };
}

afterEach(closeApplications);

/** Changes the two secrets one after the other: the pair does not fit in between. */
async function rotate(round: number): Promise<void> {
  store.rotate('USER', userOf(round));
  await secrets.refresh('USER');
  await pause(1);
  store.rotate('PASSWORD', passwordOf(round));
  await secrets.refresh('PASSWORD');
}

/** Returns whether errors are those of a login that does not fit. */
function areRefusals(failures: readonly unknown[]): boolean {
  return failures.every((error) => /WRONGPASS|28P01|password authentication/.test(String(error)));
}

describe('user and password as two secrets, Valkey', () => {
  let valkey: Valkey;

  beforeAll(async () => {
    valkey = await startValkey();
  });

  afterAll(() => valkey.stop());

  beforeEach(async () => {
    await start();
    await valkey.addUser(userOf(0), passwordOf(0));
  });

  const server = (): { host: string; port: number } => ({ host: '127.0.0.1', port: valkey.port });
  const users = {
    rotate: async (round: number): Promise<void> => {
      await valkey.addUser(userOf(round), passwordOf(round));
      await rotate(round);
    },
    remove: (round: number): Promise<void> => valkey.removeUser(userOf(round)),
  };

  it('ends with the last pair in liveRedis', async () => {
    const redis = new (liveRedis(Redis, credentials))(server());
    redis.on('error', () => undefined);

    const { failures } = await rotateUnderLoad({
      feed: 'liveRedis, two handles',
      call: () => redis.incr('calls'),
      ...users,
    });

    expect(await redis.acl('WHOAMI')).toBe(userOf(ROTATIONS));
    redis.disconnect();
    expect(areRefusals(failures)).toBe(true);
    expect(log.lines.join()).not.toContain(passwordOf(1).slice(0, -1));
  });

  it('ends with the last pair in redisCredentials', async () => {
    const client = createClient({
      socket: server(),
      credentialsProvider: redisCredentials(credentials),
    });
    client.on('error', () => undefined);
    await client.connect();

    const { failures } = await rotateUnderLoad({
      feed: 'redisCredentials, two handles',
      call: () => client.incr('calls'),
      ...users,
    });

    expect(await client.aclWhoAmI()).toBe(userOf(ROTATIONS));
    client.destroy();
    expect(areRefusals(failures)).toBe(true);
    expect(log.lines.join()).not.toContain(passwordOf(1).slice(0, -1));
  });
});

describe('user and password as two secrets, PostgreSQL', () => {
  let server: Postgres;
  let admin: pg.Pool;

  beforeAll(async () => {
    server = await startPostgres();
    admin = new pg.Pool({ ...connection(), ...server.admin });
    admin.on('error', () => undefined); // the server ends before the last socket is closed
  });

  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  const connection = (): { host: string; port: number; database: string } => ({
    host: '127.0.0.1',
    port: server.port,
    database: 'postgres',
  });

  const addRole = async (round: number): Promise<void> => {
    await admin.query(`create role ${userOf(round)} login password '${passwordOf(round)}'`);
  };

  it('heals in livePgClient', async () => {
    await start();
    await addRole(0);
    const Client = livePgClient(pg.Client, credentials);
    const pool = new pg.Pool({ ...connection(), Client, maxLifetimeSeconds: 0.3 });

    const { calls, failures } = await rotateUnderLoad({
      feed: 'livePgClient, two handles',
      overlapMs: 2_000,
      call: () => pool.query('select 1'),
      rotate: async (round) => {
        await addRole(round);
        await rotate(round);
      },
      remove: async (round) => {
        await admin.query(`drop role ${userOf(round)}`);
      },
    });
    await eventually('the last user has logged in', async () => {
      const { rows } = await pool.query<{ name: string }>('select current_user as name');
      return rows[0]?.name === userOf(ROTATIONS);
    });
    await pool.end();

    expect(areRefusals(failures)).toBe(true);
    expect(failures.length).toBeLessThan(calls / 4);
  });
});

describe('key and certificate as two secrets', () => {
  it('fail no handshake of liveTls', async () => {
    const first = selfSigned('0');
    store = new InMemorySecretManager({ KEY: first.key, CERT: first.cert });
    ({ secrets, log } = await startWith(store, { preload: ['KEY', 'CERT'] }));
    const server = createServer((_, response) => response.end('ok'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await liveTls(server, { key: secrets.secret('KEY'), cert: secrets.secret('CERT') });
    const { port } = server.address() as AddressInfo;
    const nameOf = async (): Promise<string> => {
      const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    };

    const { failures } = await rotateUnderLoad({
      feed: 'liveTls, two handles',
      call: nameOf,
      rotate: async (round) => {
        const next = selfSigned(String(round));
        store.rotate('KEY', next.key);
        await secrets.refresh('KEY');
        await pause(1);
        store.rotate('CERT', next.cert);
        await secrets.refresh('CERT');
      },
      remove: async () => undefined,
      pauseMs: 20,
    });
    const last = await nameOf();
    server.close();

    expect(failures).toEqual([]);
    expect(last).toBe(String(ROTATIONS));
    expect(log.warnings).toEqual([]);
  });
});
