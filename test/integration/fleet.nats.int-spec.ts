import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NatsTransport } from 'nestjs-custom-secret-manager/fleet';
import { fleetTransportConformance } from 'nestjs-custom-secret-manager/testing';
import { failureOf, startNats, type Broker } from './support/brokers';

jest.setTimeout(60_000);

let nats: Broker;
let fail: ReturnType<typeof failureOf>;
let connections: NatsConnection[] = [];

beforeAll(async () => {
  nats = await startNats();
  fail = failureOf(nats);
});

afterAll(() => nats.stop());

afterEach(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  connections = [];
});

const open = async (options = {}): Promise<NatsConnection> => {
  const connection = await connect({
    port: nats.port,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    ...options,
  });
  connections.push(connection);
  return connection;
};

describe.each([
  ['a connection', async () => new NatsTransport(await open({ waitOnFirstConnect: true }))],
  ['a function that connects', async () => new NatsTransport(() => connect({ port: nats.port }))],
])('NatsTransport of %s', (_, create) => {
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
