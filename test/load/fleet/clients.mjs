/** The clients of each broker: transports for the instances, and raw publishers for the forger. */
import { connect } from '@nats-io/transport-node';
import Redis from 'ioredis';
import {
  NatsTransport,
  PostgresTransport,
  RedisTransport,
} from 'nestjs-custom-secret-manager/fleet';
import pg from 'pg';

const CHANNEL = 'fleet.load';

const TRANSPORTS = {
  nats: ({ port }) => {
    const options = { port, maxReconnectAttempts: -1, reconnectTimeWait: 250, timeout: 2_000 };
    const open = () => connect({ ...options }); // the client changes its options
    return new NatsTransport(open, { subject: CHANNEL });
  },
  valkey: ({ port }) => new RedisTransport(redis(port), { channel: CHANNEL }),
  postgres: (broker) =>
    new PostgresTransport({ connect: () => postgres(broker), channel: CHANNEL }),
};

export function transportOf(broker) {
  return TRANSPORTS[broker.kind](broker);
}

const PUBLISHERS = {
  nats: async ({ port }) => {
    const client = await connect({ port });
    return {
      publish: async (messages) => {
        for (const message of messages) client.publish(CHANNEL, message);
        await client.flush();
      },
      close: () => client.close(),
    };
  },
  valkey: async ({ port }) => {
    const client = redis(port);
    return {
      publish: (messages) =>
        Promise.all(messages.map((message) => client.publish(CHANNEL, message))),
      close: async () => client.disconnect(),
    };
  },
  postgres: async (broker) => {
    const client = postgres(broker);
    await client.connect();
    return {
      publish: (messages) => {
        const payloads = messages.map((message) => message.toString('base64'));
        const sql = 'select pg_notify($1, payload) from unnest($2::text[]) as payload';
        return client.query(sql, [CHANNEL, payloads]);
      },
      close: () => client.end(),
    };
  },
};

/** Resolves to a publisher of any bytes on the channel of the fleet. Messages of one call must differ. */
export function rawPublisher(broker) {
  return PUBLISHERS[broker.kind](broker);
}

function redis(port) {
  const client = new Redis({ host: '127.0.0.1', port });
  client.on('error', () => undefined);
  return client;
}

function postgres({ port, login }) {
  return new pg.Client({ host: '127.0.0.1', port, database: 'postgres', ...login });
}
