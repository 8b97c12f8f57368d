import { Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { livePassword } from 'nestjs-custom-secret-manager/live';
import { Pool } from 'pg';

const POOL = Symbol('Pool');

@Injectable()
export class Database implements OnApplicationShutdown {
  constructor(@Inject(POOL) readonly pool: Pool) {}

  onApplicationShutdown(): Promise<void> {
    return this.pool.end();
  }
}

@Module({
  providers: [
    {
      provide: POOL,
      inject: [SecretsService],
      useFactory: (secrets: SecretsService) =>
        // pg reads PGHOST, PGPORT, PGUSER and PGDATABASE by itself
        new Pool({
          password: livePassword(secrets.secret('DB_PASSWORD')),
          maxLifetimeSeconds: 600,
        }),
    },
    Database,
  ],
  exports: [Database],
})
export class PgModule {}
