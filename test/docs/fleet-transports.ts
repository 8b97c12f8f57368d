import { connect } from '@nats-io/transport-node';
import Redis from 'ioredis';
import {
  NatsTransport,
  PostgresTransport,
  RedisTransport,
  type FleetTransport,
} from 'nestjs-custom-secret-manager/fleet';
import {
  fleetTransportConformance,
  InMemoryBus,
  InMemoryTransport,
} from 'nestjs-custom-secret-manager/testing';
import { Client } from 'pg';
import { createClient } from 'redis';

/** The examples of `docs/fleet-transports.md`. */
export const examples = {
  nats: (): FleetTransport =>
    new NatsTransport(() => connect({ servers: 'nats.example.com', maxReconnectAttempts: -1 })),

  natsConnection: async (): Promise<FleetTransport> => {
    const connection = await connect({
      servers: 'nats.example.com',
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
    });
    return new NatsTransport(connection, { subject: 'app.secrets' });
  },

  ioredis: (): FleetTransport => {
    const redis = new Redis({ host: 'redis.example.com', lazyConnect: true });
    return new RedisTransport(redis);
  },

  nodeRedis: async (): Promise<FleetTransport> => {
    const client = createClient({ url: 'redis://redis.example.com' });
    client.on('error', (error) => console.error(error));
    await client.connect();
    return new RedisTransport(client, { channel: 'app:secrets' });
  },

  postgres: (): FleetTransport =>
    new PostgresTransport({
      connect: () => new Client({ host: 'db.example.com', database: 'app' }),
      channel: 'app_secrets',
    }),

  inMemory: (): [FleetTransport, FleetTransport] => {
    const bus = new InMemoryBus();
    const [one, other] = [new InMemoryTransport(bus), new InMemoryTransport(bus)];
    other.cut(); // `other` is told, and hears nothing
    other.restore();
    other.cut({ silent: true }); // as a frozen broker does
    other.restore();
    other.drop(2); // loses the next two messages to `other`
    bus.delay(50); // delays all messages by 50 ms
    return [one, other];
  },
};

const createTransport = examples.nats;

/** Runs the kit without a runner, and returns the titles of the failed cases. */
export async function failedCases(
  create: () => FleetTransport = createTransport,
): Promise<string[]> {
  const failed: string[] = [];
  const cases = fleetTransportConformance({ create });
  for (const each of cases.filter(({ skip }) => skip === undefined)) {
    await each.run().catch(() => failed.push(each.title));
  }
  return failed;
}
