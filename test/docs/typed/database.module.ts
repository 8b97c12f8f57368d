import { Injectable, Module } from '@nestjs/common';
import { InjectSecretsOf, SecretManagerModule } from 'nestjs-custom-secret-manager';
import { livePgClient } from 'nestjs-custom-secret-manager/live';
import { Client, Pool } from 'pg';
import { DatabaseSecrets } from './database.secrets';

@Injectable()
export class Reports {
  constructor(private readonly database: DatabaseSecrets) {}

  describe(): string {
    const { host, port } = this.database.login.reveal();
    return `${host}:${port}, ${this.database.poolSize?.reveal() ?? 10} connections`;
  }
}

@Module({
  imports: [SecretManagerModule.forFeature(DatabaseSecrets)],
  providers: [
    Reports,
    {
      provide: Pool,
      inject: [DatabaseSecrets],
      useFactory: ({ login }: DatabaseSecrets) =>
        new Pool({
          host: login.reveal().host,
          database: 'app',
          Client: livePgClient(Client, login),
        }),
    },
  ],
  exports: [Reports],
})
export class DatabaseModule {}

@Injectable()
export class Payments {
  constructor(@InjectSecretsOf(DatabaseSecrets, 'payments') readonly database: DatabaseSecrets) {}
}
