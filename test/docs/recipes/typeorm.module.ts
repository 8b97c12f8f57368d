import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SecretsService } from 'nestjs-custom-secret-manager';

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [SecretsService],
      useFactory: (secrets: SecretsService) => ({
        type: 'postgres' as const,
        host: 'db.example.com',
        username: 'app',
        password: () => secrets.getOrThrow('DB_PASSWORD'),
        autoLoadEntities: true,
      }),
    }),
  ],
})
export class DatabaseModule {}
