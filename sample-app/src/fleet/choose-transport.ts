import {
  NatsTransport,
  PostgresTransport,
  RedisTransport,
} from 'nestjs-custom-secret-manager/fleet';
import type { FleetTransport } from 'nestjs-custom-secret-manager/fleet';

/** A transport, and what closes the client that it uses. */
export interface Connection {
  readonly transport: FleetTransport;
  readonly close: () => unknown;
}

/**
 * Connects to the broker of an address: `nats://...`, `redis://...` or `postgres://...`. Only the client of that broker is
 * loaded. The error does not show the address, which may hold a password.
 */
export async function chooseTransport(address: string): Promise<Connection> {
  const connect = BROKERS[schemeOf(address)];
  if (connect !== undefined) return await connect(address);
  throw new Error('FLEET must begin with nats://, redis:// or postgres://');
}

const BROKERS: Readonly<Record<string, (address: string) => Promise<Connection>>> = {
  nats: overNats,
  tls: overNats,
  redis: overRedis,
  rediss: overRedis,
  postgres: overPostgres,
  postgresql: overPostgres,
};

async function overNats(address: string): Promise<Connection> {
  const { connect } = await import('@nats-io/transport-node');
  const { username: user, password: pass, host } = new URL(address);
  const servers = `${schemeOf(address)}://${host}`;
  const login =
    user === '' ? {} : { user: decodeURIComponent(user), pass: decodeURIComponent(pass) };
  const transport = new NatsTransport(() =>
    connect({ servers, ...login, maxReconnectAttempts: -1, waitOnFirstConnect: true }),
  );
  return { transport, close: () => undefined }; // the transport closes what it has connected
}

async function overRedis(address: string): Promise<Connection> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(address);
  redis.on('error', () => undefined); // the fleet reports that it is cut
  return { transport: new RedisTransport(redis), close: () => redis.disconnect() };
}

async function overPostgres(address: string): Promise<Connection> {
  const { Client } = await import('pg');
  const transport = new PostgresTransport({
    connect: () => new Client({ connectionString: address }),
  });
  return { transport, close: () => undefined };
}

function schemeOf(address: string): string {
  return address.slice(0, address.indexOf(':')).toLowerCase();
}
