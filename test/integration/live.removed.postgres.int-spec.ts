import knex from 'knex';
import type { Secret, SecretsService } from 'nestjs-custom-secret-manager';
import {
  liveKnex,
  livePassword,
  livePgClient,
  liveSequelize,
} from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import postgres from 'postgres';
import { Sequelize } from 'sequelize';
import { DataSource } from 'typeorm';
import { closeApplications, startWith } from '../support/application';
import { startPostgres, type Postgres } from './support/postgres';
import { removeAtOnce } from './support/remove-at-once';
import { ROTATIONS } from './support/rotate-under-load';

jest.setTimeout(60_000 + ROTATIONS * 300);

const CONNECTIONS = 5;

/** One read finds the new login. One more may follow for a login that was under way at that time. */
const READS = 2;

/**
 * TypeORM and Sequelize hand a connection out once more between the last message of the server and its end. The
 * pool of knex may be making its successor with the old login. So each connection in hand may fail two calls.
 */
const FAILURES_OF_TWO = 2 * CONNECTIONS;

/** postgres.js sends the calls of all 50 callers on its connections, and may fail each of them some times. */
const FAILURES_OF_PIPELINES = 4 * 50;

let server: Postgres;
let admin: pg.Pool;
let store: InMemorySecretManager;
let secrets: SecretsService;
let password: Secret;
let credentials: Secret;
let prefix = '';
let tests = 0;

const userOf = (round: number): string => `${prefix}_${round}`;
const passwordOf = (round: number): string => `password-${prefix}-${round}`;
const loginOf = (round: number): string =>
  JSON.stringify({ username: userOf(round), password: passwordOf(round) });
const connection = (): { host: string; port: number; database: string } => ({
  host: '127.0.0.1',
  port: server.port,
  database: 'postgres',
});

beforeAll(async () => {
  server = await startPostgres();
  admin = new pg.Pool({ ...connection(), ...server.admin });
  admin.on('error', () => undefined); // the server ends before the last socket is closed
});

afterAll(async () => {
  await admin.end();
  await server.stop();
});

beforeEach(async () => {
  tests += 1;
  prefix = `user_${tests}`;
  await addRole(0);
  store = new InMemorySecretManager({ DB: loginOf(0), DB_PASSWORD: passwordOf(0) });
  ({ secrets } = await startWith(store, { preload: ['DB', 'DB_PASSWORD'] }));
  password = secrets.secret('DB_PASSWORD');
  credentials = secrets.secret('DB');
});

afterEach(closeApplications);

async function addRole(round: number): Promise<void> {
  await admin.query(`create role ${userOf(round)} login password '${passwordOf(round)}'`);
}

/** The role is replaced by another one, and its sessions end. */
const roles = {
  inHand: CONNECTIONS,
  reads: () => store.calls.length,
  replace: async (round: number): Promise<void> => {
    await addRole(round);
    store.rotate('DB', loginOf(round));
    await admin.query(`alter role ${userOf(round - 1)} nologin`);
    await endSessions(round - 1);
    await admin.query(`drop role ${userOf(round - 1)}`);
  },
};

/** The password of the role is replaced, and its sessions end. */
const passwords = {
  ...roles,
  replace: async (round: number): Promise<void> => {
    store.rotate('DB_PASSWORD', passwordOf(round));
    await admin.query(`alter role ${userOf(0)} password '${passwordOf(round)}'`);
    await endSessions(0);
  },
};

async function endSessions(round: number): Promise<void> {
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${userOf(round)}'`,
  );
}

/** Pools report the connections that the server has ended. */
const ignored = (): undefined => undefined;

describe('a credential that is removed at once', () => {
  it('fails the connections in hand of livePassword, pg.Pool', async () => {
    const login = { user: userOf(0), password: livePassword(password), max: CONNECTIONS };
    const pool = new pg.Pool({ ...connection(), ...login });
    pool.on('error', ignored);

    const { failed, reads } = await removeAtOnce({
      feed: 'livePassword, pg.Pool',
      call: () => password.use(() => pool.query('select 1')),
      ...passwords,
    });
    await pool.end();

    expect(failed).toBeLessThanOrEqual(CONNECTIONS);
    expect(reads).toBeLessThanOrEqual(READS);
  });

  it('fails the calls in hand of livePassword, postgres.js, until a refresh', async () => {
    const login = { user: userOf(0), password: livePassword(password), max: CONNECTIONS };
    // by default it waits up to 20 s after some refused logins
    const sql = postgres({ ...connection(), ...login, backoff: () => 0.05 });

    const { failed, reads } = await removeAtOnce({
      feed: 'livePassword, postgres.js',
      call: () => sql`select 1`,
      ...passwords,
      inHand: FAILURES_OF_PIPELINES,
      replace: async (round) => {
        await passwords.replace(round);
        await pause(50);
        await secrets.refresh('DB_PASSWORD'); // it tries a refused login again without a word to the callers
      },
    });
    await sql.end();

    expect(failed).toBeLessThanOrEqual(FAILURES_OF_PIPELINES);
    expect(reads).toBeLessThanOrEqual(READS);
  });

  it('fails the connections in hand of livePgClient, pg.Pool', async () => {
    const Client = livePgClient(pg.Client, credentials);
    const pool = new pg.Pool({ ...connection(), Client, max: CONNECTIONS });
    pool.on('error', ignored);

    const { failed, reads } = await removeAtOnce({
      feed: 'livePgClient, pg.Pool',
      call: () => credentials.use(() => pool.query('select 1')),
      ...roles,
    });
    await pool.end();

    expect(failed).toBeLessThanOrEqual(CONNECTIONS);
    expect(reads).toBeLessThanOrEqual(READS);
  });

  it('fails the connections in hand of livePgClient, TypeORM', async () => {
    const source = await new DataSource({
      type: 'postgres',
      ...connection(),
      poolErrorHandler: ignored,
      extra: { Client: livePgClient(pg.Client, credentials), max: CONNECTIONS },
    }).initialize();

    const { failed, reads } = await removeAtOnce({
      feed: 'livePgClient, TypeORM',
      call: () => credentials.use(() => source.query('select 1')),
      ...roles,
      inHand: FAILURES_OF_TWO,
    });
    await source.destroy();

    expect(failed).toBeLessThanOrEqual(FAILURES_OF_TWO);
    expect(reads).toBeLessThanOrEqual(READS);
  });

  it('fails the connections in hand of liveKnex', async () => {
    const database = knex({
      client: 'pg',
      log: { warn: ignored },
      ...liveKnex(credentials, connection(), { min: 0, max: CONNECTIONS }),
    });

    const { failed, reads } = await removeAtOnce({
      feed: 'liveKnex',
      call: () => credentials.use(async () => (await database.raw('select 1')) as unknown),
      ...roles,
      inHand: FAILURES_OF_TWO,
    });
    await database.destroy();

    expect(failed).toBeLessThanOrEqual(FAILURES_OF_TWO);
    expect(reads).toBeLessThanOrEqual(READS);
  });

  it('fails the connections in hand of liveSequelize', async () => {
    const sequelize = new Sequelize({
      dialect: 'postgres',
      ...connection(),
      logging: false,
      pool: { max: CONNECTIONS },
    });
    liveSequelize(sequelize, credentials);

    const { failed, reads } = await removeAtOnce({
      feed: 'liveSequelize',
      call: () => credentials.use(() => sequelize.query('select 1')),
      ...roles,
      inHand: FAILURES_OF_TWO,
    });
    await sequelize.close();

    expect(failed).toBeLessThanOrEqual(FAILURES_OF_TWO);
    expect(reads).toBeLessThanOrEqual(READS);
  });
});
