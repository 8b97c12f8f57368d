import { Module } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { livePgClient } from 'nestjs-custom-secret-manager/live';
import { Client } from 'pg';

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [SecretsService, ConfigService],
      useFactory: (secrets: SecretsService, config: ConfigService) => ({
        type: 'postgres' as const,
        host: config.getOrThrow<string>('DB_HOST'),
        port: Number(config.getOrThrow<string>('DB_PORT')),
        database: 'postgres',
        autoLoadEntities: true,
        extra: {
          // the secret DB holds {"username": "...", "password": "..."}
          Client: livePgClient(Client, secrets.secret('DB')),
          maxLifetimeSeconds: 600,
        },
      }),
    }),
  ],
})
export class DatabaseModule {}
