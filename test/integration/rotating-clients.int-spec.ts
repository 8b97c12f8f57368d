import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { rotatingResource, type Rotating } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { createTransport, type Transporter } from 'nodemailer';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Pool } from 'pg';
import { SMTPServer } from 'smtp-server';
import { closeApplications, startApplication } from '../support/application';
import { startPostgres, type Postgres } from './support/postgres';

const CALLERS = 20;
const ROTATIONS = 20;
const CANARY = 'canary-of-the-clients';

async function startWith<Resource>(
  store: InMemorySecretManager,
  provider: ReturnType<typeof rotatingResource<Resource, readonly string[]>>,
): Promise<{ rotating: Rotating<Resource>; secrets: SecretsService }> {
  const app = await startApplication({
    imports: [SecretManagerModule.forRoot({ manager: { useFactory: () => store } })],
    providers: [provider],
  });
  return { rotating: app.get(provider.provide), secrets: app.get(SecretsService) };
}

/** Calls the work again and again, by many callers, until `end`. */
function callers(work: () => Promise<unknown>) {
  const counts = { calls: 0, failed: 0 };
  const errors: unknown[] = [];
  let isRunning = true;
  const call = async (): Promise<void> => {
    while (isRunning) {
      await work().catch((error: unknown) => {
        counts.failed += 1;
        errors.push(error);
      });
      counts.calls += 1;
    }
  };
  const running = Promise.all(Array.from({ length: CALLERS }, call));
  const end = async () => {
    isRunning = false;
    await running;
    return { ...counts, errors };
  };
  return { end };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a mailer that is built from a password', () => {
  let server: SMTPServer;
  let passwords: Set<string>;
  let received: number;
  let port: number;

  beforeEach(async () => {
    passwords = new Set([`${CANARY}-0`]);
    received = 0;
    server = new SMTPServer({
      authOptional: false,
      hideSTARTTLS: true,
      onAuth: ({ password }, _session, done) => {
        if (passwords.has(String(password))) done(null, { user: 'mailer' });
        else done(new Error('Invalid login'));
      },
      onData: (stream, _session, done) => {
        stream.resume().on('end', () => {
          received += 1;
          done();
        });
      },
    });
    server.on('error', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    port = (server.server.address() as AddressInfo).port;
  });

  afterEach(async () => {
    await closeApplications();
    await new Promise<void>((resolve) => server.close(resolve));
  });

  const mailer = () =>
    rotatingResource<Transporter, readonly string[]>({
      provide: 'MAILER',
      secrets: ['SMTP_PASSWORD'],
      build: ({ SMTP_PASSWORD: pass = '' }: Record<string, string>) =>
        createTransport({
          host: '127.0.0.1',
          port,
          pool: true,
          ignoreTLS: true,
          auth: { user: 'mailer', pass },
        }),
      probe: (transport) => transport.verify(),
      dispose: (transport) => transport.close(),
    });
  const mail = { from: 'a@example.com', to: 'b@example.com', text: 'hello' };

  it('loses no mail while the password rotates with an overlap', async () => {
    const store = new InMemorySecretManager({ SMTP_PASSWORD: `${CANARY}-0` });
    const { rotating, secrets } = await startWith(store, mailer());
    const load = callers(() => rotating.use((transport) => transport.sendMail(mail)));

    for (let at = 1; at <= ROTATIONS; at++) {
      passwords.add(`${CANARY}-${at}`);
      store.rotate('SMTP_PASSWORD', `${CANARY}-${at}`);
      await secrets.refresh('SMTP_PASSWORD');
      while (rotating.generation <= at) await pause(2);
      passwords.delete(`${CANARY}-${at - 1}`);
      await pause(20);
    }
    const { calls, failed, errors } = await load.end();

    process.stdout.write(`mailer: ${JSON.stringify({ rotations: ROTATIONS, calls, failed })}\n`);
    expect(errors).toEqual([]);
    expect(received).toBe(calls);
  });

  it('sends the mail once more on the next mailer if the password was rejected', async () => {
    const store = new InMemorySecretManager({ SMTP_PASSWORD: `${CANARY}-0` });
    const { rotating } = await startWith(store, mailer());
    passwords = new Set([`${CANARY}-1`]);
    store.rotate('SMTP_PASSWORD', `${CANARY}-1`);

    await rotating.use((transport) => transport.sendMail(mail));

    expect(received).toBe(1);
    expect(rotating.generation).toBe(2);
  });

  it('keeps the mailer in service whose successor cannot log in', async () => {
    const store = new InMemorySecretManager({ SMTP_PASSWORD: `${CANARY}-0` });
    const { rotating, secrets } = await startWith(store, mailer());

    store.rotate('SMTP_PASSWORD', 'wrong');
    await secrets.refresh('SMTP_PASSWORD');
    while (rotating.state === 'ready') await pause(2);
    await rotating.use((transport) => transport.sendMail(mail));
    store.rotate('SMTP_PASSWORD', `${CANARY}-0`);
    await secrets.refresh('SMTP_PASSWORD');
    while (rotating.state === 'degraded') await pause(2);

    expect(received).toBe(1);
    expect(rotating.generation).toBe(1);
  });
});

describe('a pool of PostgreSQL that is built from a password', () => {
  let postgres: Postgres;

  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.execute(`create role app login password '${CANARY}-0'`);
  });

  afterEach(closeApplications);

  afterAll(() => postgres.stop());

  const pool = () =>
    rotatingResource<Pool, readonly string[]>({
      provide: 'POOL',
      secrets: ['DB_PASSWORD'],
      build: ({ DB_PASSWORD: password = '' }: Record<string, string>) =>
        new Pool({
          ...{ host: '127.0.0.1', port: postgres.port, database: 'postgres', user: 'app' },
          ...{ password, max: 10 },
        }).on('error', () => undefined), // an idle connection that the server ended
      probe: (candidate) => candidate.query('select 1'),
      dispose: (retired) => retired.end(),
    });

  it('fails no query while the password rotates, and the sessions of the old one are ended', async () => {
    const store = new InMemorySecretManager({ DB_PASSWORD: `${CANARY}-0` });
    const { rotating, secrets } = await startWith(store, pool());
    const load = callers(() => rotating.use((current) => current.query('select 1')));

    for (let at = 1; at <= ROTATIONS; at++) {
      await postgres.execute(`alter role app password '${CANARY}-${at}'`);
      store.rotate('DB_PASSWORD', `${CANARY}-${at}`);
      const changedAt = new Date().toISOString();
      await secrets.refresh('DB_PASSWORD');
      while (rotating.generation <= at) await pause(2);
      await pause(20); // the replaced pool drains
      await postgres.execute(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where usename = 'app' and backend_start < '${changedAt}'`,
      );
    }
    const { calls, failed, errors } = await load.end();

    process.stdout.write(`pool: ${JSON.stringify({ rotations: ROTATIONS, calls, failed })}\n`);
    expect(errors).toEqual([]);
    expect(calls).toBeGreaterThan(ROTATIONS);
  });

  it('heals by one rotation if the password and the sessions end without an overlap', async () => {
    await postgres.execute(`alter role app password '${CANARY}-0'`);
    const store = new InMemorySecretManager({ DB_PASSWORD: `${CANARY}-0` });
    const { rotating } = await startWith(store, pool());
    await postgres.execute(`alter role app password '${CANARY}-next'`);
    await postgres.execute(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`,
    );
    await pause(50); // the pool has noticed that its connection ended
    store.rotate('DB_PASSWORD', `${CANARY}-next`);
    const reads = store.calls.length;

    const results = await Promise.allSettled(
      Array.from({ length: CALLERS }, () => rotating.use((current) => current.query('select 1'))),
    );

    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(store.calls).toHaveLength(reads + 1);
    expect(rotating.generation).toBe(2);
  });
});
