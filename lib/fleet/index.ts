export type { FleetKeySource, FleetOptions } from './fleet-options';
export type { FleetTransport, FleetTransportListener } from './fleet-transport';
export type { NatsClient } from './transports/nats/nats-client';
export { NatsTransport, type NatsTransportOptions } from './transports/nats/nats-transport';
export type { PostgresClient } from './transports/postgres/postgres-connection';
export {
  PostgresTransport,
  type PostgresTransportOptions,
} from './transports/postgres/postgres-transport';
export type { RedisClient } from './transports/redis/redis-dialect';
export { RedisTransport, type RedisTransportOptions } from './transports/redis/redis-transport';
