import { read } from '../../../core/errors/safe-access';
import { hasMethods, misconfigured, shown } from '../client-checks';
import { IoredisPublisher, IoredisSubscriber, type Ioredis } from './ioredis-subscriber';
import { NodeRedisSubscriber, type NodeRedis } from './node-redis-subscriber';
import type { BrokerConnection, ConnectionEvents } from '../subscription';

/** A client of ioredis or node-redis. */
export interface RedisClient {
  duplicate(...overrides: never[]): object;
  publish(...message: never[]): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** The ways of one client library. */
export interface RedisDialect {
  publish(channel: string, message: Buffer): Promise<unknown>;
  subscriber(channel: string, events: ConnectionEvents): BrokerConnection;
}

/** Returns the ways of a client, or throws `MISCONFIGURED` if it is no client of a known library. */
export function redisDialect(client: unknown): RedisDialect {
  if (isCluster(client)) refuse('a cluster. A client of one of its nodes reaches all of them');
  if (isIoredis(client)) {
    const publisher = new IoredisPublisher(client);
    return {
      publish: (channel, message) => publisher.publish(channel, message),
      subscriber: (channel, events) => new IoredisSubscriber(client, channel, events),
    };
  }
  if (!isNodeRedis(client)) return refuse(shown(client));
  if (read(client.options, 'legacyMode') === true) refuse('one of node-redis in its legacy mode');
  return {
    publish: async (channel, message) => client.publish(channel, message),
    subscriber: (channel, events) => new NodeRedisSubscriber(client, channel, events),
  };
}

function refuse(got: string): never {
  return misconfigured(
    'RedisTransport',
    `needs a client of ioredis or node-redis, and got ${got}.`,
  );
}

function isCluster(client: unknown): boolean {
  const isNodeRedisCluster = hasMethods(client, ['duplicate', 'nodeClient']);
  return read(client, 'isCluster') === true || isNodeRedisCluster;
}

const SHARED_METHODS = ['duplicate', 'publish', 'subscribe', 'connect', 'disconnect', 'on'];

function isIoredis(client: unknown): client is Ioredis {
  return hasMethods(client, SHARED_METHODS) && typeof read(client, 'status') === 'string';
}

function isNodeRedis(client: unknown): client is NodeRedis {
  return hasMethods(client, SHARED_METHODS) && typeof read(client, 'isReady') === 'boolean';
}
