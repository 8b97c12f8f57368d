import { Module } from '@nestjs/common';
import { ClientsModule, Transport } from '@nestjs/microservices';
import { SecretsService } from 'nestjs-custom-secret-manager';

@Module({
  imports: [
    ClientsModule.registerAsync([
      {
        name: 'BILLING',
        inject: [SecretsService],
        useFactory: async (secrets: SecretsService) => ({
          transport: Transport.REDIS as const,
          options: {
            host: 'redis.example.com',
            password: await secrets.getOrThrow('REDIS_PASSWORD'),
          },
        }),
      },
    ]),
  ],
  exports: [ClientsModule],
})
export class BillingClientModule {}
