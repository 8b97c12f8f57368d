import knex, { type Knex } from 'knex';
import type { Secret, SecretsService } from 'nestjs-custom-secret-manager';
import {
  liveKnex,
  livePassword,
  livePgClient,
  liveSequelize,
} from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import pg from 'pg';
import postgres from 'postgres';
import { Sequelize } from 'sequelize';
import { DataSource } from 'typeorm';
import { closeApplications, startWith } from '../support/application';
import { startPostgres, type Postgres } from './support/postgres';
import { Radius } from './support/radius';
import { ROTATIONS, rotateUnderLoad } from './support/rotate-under-load';

jest.setTimeout(60_000 + ROTATIONS * 300);

/** The user whose passwords overlap. */
const TOKEN_USER = 'of_tokens';

let server: Postgres;
let admin: pg.Pool;
let radius: Radius;
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

beforeAll(async () => {
  server = await startPostgres();
  admin = new pg.Pool({ ...connection(), ...server.admin });
  admin.on('error', () => undefined); // the server ends before the last socket is closed
  radius = await new Radius().start();
  await admin.query(`create role ${TOKEN_USER} login`);
  await admin.query(
    `do $$ declare hba text := current_setting('hba_file'); begin
       execute format('create temp table lines (number serial, line text)');
       insert into lines (line) values ('${radius.lineFor(TOKEN_USER)}');
       execute format('copy lines (line) from %L with (delimiter E''\\x01'', quote E''\\x02'', format csv)', hba);
       execute format('copy (select line from lines order by number) to %L with (delimiter E''\\x01'', quote E''\\x02'', format csv)', hba);
     end $$`,
  );
  await admin.query('select pg_reload_conf()');
});

afterAll(async () => {
  radius.stop();
  await admin.end();
  await server.stop();
});

beforeEach(async () => {
  tests += 1;
  prefix = `user_${tests}`;
  await addRole(0);
  radius.passwords.clear();
  radius.passwords.add(passwordOf(0));
  radius.accepted.clear();
  served.clear();
  store = new InMemorySecretManager({ DB: loginOf(0), DB_PASSWORD: passwordOf(0) });
  ({ secrets } = await startWith(store, { preload: ['DB', 'DB_PASSWORD'] }));
  password = secrets.secret('DB_PASSWORD');
  credentials = secrets.secret('DB');
});

afterEach(closeApplications);

async function addRole(round: number): Promise<void> {
  await admin.query(`create role ${userOf(round)} login password '${passwordOf(round)}'`);
}

const connection = (): { host: string; port: number; database: string } => ({
  host: '127.0.0.1',
  port: server.port,
  database: 'postgres',
});

/**
 * The user and the password change together. The old role is dropped after the overlap, which is longer than a
 * connection lives: PostgreSQL fails the sessions of a dropped role.
 */
const pairs = {
  overlapMs: 2_000,
  rotate: async (round: number): Promise<void> => {
    await addRole(round);
    store.rotate('DB', loginOf(round));
    await secrets.refresh('DB');
  },
  remove: async (round: number): Promise<void> => {
    await admin.query(`drop role ${userOf(round)}`);
  },
};

/** The password changes, and the user stays. The old password is refused after the overlap. */
const passwords = {
  rotate: async (round: number): Promise<void> => {
    radius.passwords.add(passwordOf(round));
    store.rotate('DB_PASSWORD', passwordOf(round));
    await secrets.refresh('DB_PASSWORD');
  },
  remove: async (round: number): Promise<void> => {
    radius.passwords.delete(passwordOf(round));
  },
};

/** The users whose connections served a call. */
const served = new Set<unknown>();

async function asUser(ask: (sql: string) => Promise<unknown>): Promise<void> {
  const answer = await ask('select current_user as name');
  served.add((Array.isArray(answer) ? answer : (answer as pg.QueryResult).rows).flat()[0].name);
}

/** Connections are replaced often enough for this many logins to be used. */
const MANY = ROTATIONS / 10;

describe('livePassword', () => {
  it('fails no call of pg.Pool', async () => {
    const pool = new pg.Pool({
      ...connection(),
      user: TOKEN_USER,
      password: livePassword(password),
      maxUses: 10,
    });

    const { failures } = await rotateUnderLoad({
      feed: 'livePassword, pg.Pool',
      call: () => pool.query('select 1'),
      ...passwords,
    });
    await pool.end();

    expect(failures).toEqual([]);
    expect(radius.accepted.size).toBeGreaterThan(MANY);
  });

  it('fails no call of TypeORM', async () => {
    const source = await new DataSource({
      type: 'postgres',
      ...connection(),
      username: TOKEN_USER,
      password: livePassword(password),
      extra: { maxUses: 10 },
    }).initialize();

    const { failures } = await rotateUnderLoad({
      feed: 'livePassword, TypeORM',
      call: () => source.query('select 1'),
      ...passwords,
    });
    await source.destroy();

    expect(failures).toEqual([]);
    expect(radius.accepted.size).toBeGreaterThan(MANY);
  });

  it('fails no call of postgres.js', async () => {
    const sql = postgres({
      ...connection(),
      user: TOKEN_USER,
      password: livePassword(password),
      max: 10,
      max_lifetime: 0.2,
    });

    const { failures } = await rotateUnderLoad({
      feed: 'livePassword, postgres.js',
      call: () => sql`select 1`,
      ...passwords,
    });
    await sql.end();

    expect(failures).toEqual([]);
    expect(radius.accepted.size).toBeGreaterThan(MANY);
  });

  it('fails a query of pg and of postgres.js if the secret cannot be read, and nothing else', async () => {
    const login = { user: userOf(0), password: livePassword(secrets.secret('MISSING')) };
    const pool = new pg.Pool({ ...connection(), ...login });
    const sql = postgres({ ...connection(), ...login });
    const codeOf = ({ code }: { code?: string }): string | undefined => code;

    const codes = [await pool.query('select 1').catch(codeOf), await sql`select 1`.catch(codeOf)];
    await pool.end();
    await sql.end();

    expect(codes).toEqual(['NOT_FOUND', '28P01']);
  });

  it('needs one refresh after a password that was replaced at once', async () => {
    const user = userOf(0);
    const pool = new pg.Pool({ ...connection(), user, password: livePassword(password), max: 5 });
    await pool.query('select 1');
    const held = await pool.connect();

    await admin.query(`alter role ${user} password '${passwordOf(1)}'`);
    store.rotate('DB_PASSWORD', passwordOf(1));
    const open = await held.query('select 1 as one');
    const refused = await pool.query('select 1').catch(({ code }) => code as string);
    const healed = await password.use(() => pool.query('select 2 as two'));
    held.release();
    await pool.end();

    expect(open.rows).toEqual([{ one: 1 }]);
    expect(refused).toBe('28P01');
    expect(healed.rows).toEqual([{ two: 2 }]);
  });
});

describe('livePgClient', () => {
  it('fails no call of pg.Pool', async () => {
    const Client = livePgClient(pg.Client, credentials);
    const pool = new pg.Pool({ ...connection(), Client, maxLifetimeSeconds: 0.3 });

    const { failures } = await rotateUnderLoad({
      feed: 'livePgClient, pg.Pool',
      call: () => asUser((sql) => pool.query(sql)),
      ...pairs,
    });
    await pool.end();

    expect(failures).toEqual([]);
    expect(served.size).toBeGreaterThan(MANY);
  });

  it('fails no call of TypeORM', async () => {
    const source = await new DataSource({
      type: 'postgres',
      ...connection(),
      extra: { Client: livePgClient(pg.Client, credentials), maxLifetimeSeconds: 0.3 },
    }).initialize();

    const { failures } = await rotateUnderLoad({
      feed: 'livePgClient, TypeORM',
      call: () => asUser((sql) => source.query(sql)),
      ...pairs,
    });
    await source.destroy();

    expect(failures).toEqual([]);
    expect(served.size).toBeGreaterThan(MANY);
  });

  it('logs in as the user of the moment, with the client that the test names', async () => {
    const Client = livePgClient(pg.Client, credentials);
    const client = new Client({ ...connection(), user: 'nobody', password: 'wrong' });

    await pairs.rotate(1);
    await client.connect();
    const { rows } = await client.query('select current_user as name');
    await client.end();

    expect(rows).toEqual([{ name: userOf(1) }]);
    expect(client.user).toBe(userOf(1));
  });
});

describe('liveKnex', () => {
  let database: Knex;

  afterEach(() => database.destroy());

  it('fails no call, although the server ends the sessions of a removed role', async () => {
    database = knex({ client: 'pg', ...liveKnex(credentials, connection(), { min: 0, max: 4 }) });

    const { failures } = await rotateUnderLoad({
      feed: 'liveKnex',
      call: () => asUser(async (sql) => (await database.raw(sql)) as unknown),
      ...pairs,
      remove: async (round) => {
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${userOf(round)}'`,
        );
        await pairs.remove(round);
      },
    });

    expect(failures).toEqual([]);
    expect(served.size).toBeGreaterThan(MANY);
  });

  it('replaces each connection of the pool', async () => {
    database = knex({ client: 'pg', ...liveKnex(credentials, connection(), { min: 0, max: 4 }) });
    const users = async (): Promise<string[]> => {
      const ask = (): Promise<{ rows: { name: string }[] }> =>
        database.raw('select current_user as name, pg_sleep(0.1)') as never;
      const answers = await Promise.all(Array.from({ length: 4 }, ask));
      return answers.map(({ rows: [row] }) => row?.name ?? '');
    };
    const before = await users();

    await pairs.rotate(1);
    const after = await users();
    const later = await users();

    expect(before).toEqual(Array(4).fill(userOf(0)));
    expect([after, later]).toEqual(Array(2).fill(Array(4).fill(userOf(1))));
  });
});

describe('liveSequelize', () => {
  it('fails no call', async () => {
    const sequelize = new Sequelize({
      dialect: 'postgres',
      ...connection(),
      logging: false,
      pool: { max: 10, maxUses: 10 },
    });
    liveSequelize(sequelize, credentials);

    const { failures } = await rotateUnderLoad({
      feed: 'liveSequelize',
      call: () => asUser((sql) => sequelize.query(sql)),
      ...pairs,
    });
    await sequelize.close();

    expect(failures).toEqual([]);
    expect(served.size).toBeGreaterThan(MANY);
  });
});
