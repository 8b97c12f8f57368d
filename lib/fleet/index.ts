export type { FleetKeySource, FleetOptions } from './fleet-options';
export type { FleetTransport, FleetTransportListener } from './fleet-transport';
export type { NatsClient } from './transports/nats-client';
export { NatsTransport, type NatsTransportOptions } from './transports/nats-transport';
export type { PostgresClient } from './transports/postgres-connection';
export { PostgresTransport, type PostgresTransportOptions } from './transports/postgres-transport';
export type { RedisClient } from './transports/redis-dialect';
export { RedisTransport, type RedisTransportOptions } from './transports/redis-transport';
