import { PostgresTransport } from 'nestjs-custom-secret-manager/fleet';
import { fleetTransportConformance } from 'nestjs-custom-secret-manager/testing';
import { Client } from 'pg';
import { failureOf, startPostgresBroker, type PostgresBroker } from './support/brokers';

jest.setTimeout(60_000);

let postgres: PostgresBroker;
let fail: ReturnType<typeof failureOf>;

beforeAll(async () => {
  postgres = await startPostgresBroker();
  fail = failureOf(postgres);
});

afterAll(() => postgres.stop());

const client = (): Client =>
  new Client({ host: '127.0.0.1', port: postgres.port, database: 'postgres', ...postgres.login });

describe('PostgresTransport', () => {
  const cases = fleetTransportConformance({
    create: () => new PostgresTransport({ connect: client }),
    fail: (fault) => fail(fault),
    caseTimeoutMs: 20_000,
  });

  it.each(cases)('$title', async (one) => {
    expect(one.skip).toBeUndefined();
    await one.run();
  });
});
