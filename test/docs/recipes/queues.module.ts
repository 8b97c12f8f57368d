import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { SecretsService } from 'nestjs-custom-secret-manager';

@Module({
  imports: [
    BullModule.forRootAsync({
      inject: [SecretsService],
      useFactory: async (secrets: SecretsService) => ({
        connection: {
          host: 'redis.example.com',
          password: await secrets.getOrThrow('REDIS_PASSWORD'),
        },
      }),
    }),
    BullModule.registerQueue({ name: 'mail' }),
  ],
})
export class QueuesModule {}
