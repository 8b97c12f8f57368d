export type { Rotating } from '../core/contract/rotating';
export { credentialsRejected } from '../core/errors/credentials-rejected';
export {
  awsCredentials,
  type AwsCredentials,
  type AwsCredentialsFields,
} from './feeds/aws-credentials';
export { jwtKeys, type JwtKeys, type JwtSignOptions } from './feeds/jwt-keys';
export type { JwtKeysOptions } from './feeds/jwt-keys-options';
export type { JwtAlgorithm } from './feeds/jwt-signature';
export type { LiveCredentials, LoginFields } from './feeds/live-credentials';
export { liveKnex, type KnexDone, type KnexPool, type LiveKnexOptions } from './feeds/live-knex';
export { livePassword } from './feeds/live-password';
export { livePgClient } from './feeds/live-pg-client';
export { liveRedis } from './feeds/live-redis';
export { liveSequelize, type SequelizeHooks } from './feeds/live-sequelize';
export {
  liveTls,
  type CertificateFields,
  type LiveCertificate,
  type TlsServer,
} from './feeds/live-tls';
export type { LiveValue } from './feeds/live-value';
export {
  redisCredentials,
  type RedisCredentialsProvider,
  type RedisLogin,
} from './feeds/redis-credentials';
export { InjectRotating } from './rotating/inject-rotating';
export {
  rotatingResource,
  type RotatingResourceOptions,
  type SecretNames,
  type ValuesOf,
} from './rotating/rotating-resource';
