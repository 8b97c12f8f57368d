import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { JwtModuleOptions } from '@nestjs/jwt';
import knex, { type Knex } from 'knex';
import type { SecretsService } from 'nestjs-custom-secret-manager';
import {
  awsCredentials,
  jwtKeys,
  liveKnex,
  livePassword,
  livePgClient,
  liveSequelize,
  liveTls,
  redisCredentials,
} from 'nestjs-custom-secret-manager/live';
import { createServer, type Server } from 'node:https';
import { ExtractJwt, type StrategyOptionsWithoutRequest } from 'passport-jwt';
import { Client, Pool } from 'pg';
import { createClient } from 'redis';
import { Sequelize } from 'sequelize';

/** The examples of `docs/feeds.md`. */
export const examples = {
  livePassword: (secrets: SecretsService): Pool =>
    new Pool({ user: 'app', password: livePassword(secrets.secret('DB_PASSWORD')) }),

  livePgClient: (secrets: SecretsService): Pool =>
    new Pool({ database: 'app', Client: livePgClient(Client, secrets.secret('DB')) }),

  liveKnex: (secrets: SecretsService): Knex => {
    const base = { host: 'db.example.com', database: 'app' };
    return knex({ client: 'pg', ...liveKnex(secrets.secret('DB'), base, { min: 0, max: 10 }) });
  },

  liveSequelize: (secrets: SecretsService): Sequelize => {
    const sequelize = new Sequelize({ dialect: 'postgres', pool: { maxUses: 1_000 } });
    liveSequelize(sequelize, secrets.secret('DB'));
    return sequelize;
  },

  redisCredentials: (secrets: SecretsService): { destroy(): void } =>
    createClient({ credentialsProvider: redisCredentials(secrets.secret('REDIS')) }),

  jwtKeys: (secrets: SecretsService): StrategyOptionsWithoutRequest => {
    const keys = jwtKeys(secrets.secret('JWT_SECRET'), { overlapMs: 15 * 60_000 });
    return {
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKeyProvider: keys.forPassport,
      algorithms: ['HS256'],
    };
  },

  jwtPairs: (secrets: SecretsService): JwtModuleOptions => {
    const keys = jwtKeys(secrets.secret('JWT_KEY'), {
      overlapMs: 15 * 60_000,
      algorithms: ['RS256'],
    });
    return { secretOrKeyProvider: keys, signOptions: keys.signOptions({ expiresIn: '15m' }) };
  },

  liveTls: async (secrets: SecretsService): Promise<Server> => {
    const server = createServer();
    await liveTls(server, { key: secrets.secret('TLS_KEY'), cert: secrets.secret('TLS_CERT') });
    return server;
  },

  awsCredentials: (secrets: SecretsService): SecretsManagerClient =>
    new SecretsManagerClient({ credentials: awsCredentials(secrets.secret('AWS')) }),
};
