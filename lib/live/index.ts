export type { Rotating } from '../core/contract/rotating';
export { credentialsRejected } from '../core/errors/credentials-rejected';
export {
  awsCredentials,
  type AwsCredentials,
  type AwsCredentialsFields,
} from './feeds/aws-credentials';
export { jwtKeys, type JwtKeys, type JwtSignOptions } from './feeds/jwt/jwt-keys';
export type { JwtKeysOptions } from './feeds/jwt/jwt-keys-options';
export type { JwtAlgorithm } from './feeds/jwt/jwt-signature';
export type { LiveCredentials, LoginFields } from './feeds/live-credentials';
export {
  liveKnex,
  type KnexDone,
  type KnexPool,
  type LiveKnexOptions,
} from './feeds/databases/live-knex';
export { livePassword } from './feeds/databases/live-password';
export { livePgClient } from './feeds/databases/live-pg-client';
export { liveRedis } from './feeds/redis/live-redis';
export { liveSequelize, type SequelizeHooks } from './feeds/databases/live-sequelize';
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
} from './feeds/redis/redis-credentials';
export { InjectRotating } from './rotating/inject-rotating';
export {
  rotatingResource,
  type RotatingResourceOptions,
  type SecretNames,
  type ValuesOf,
} from './rotating/rotating-resource';
