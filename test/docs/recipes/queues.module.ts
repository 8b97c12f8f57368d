import { BullModule } from '@nestjs/bullmq';
import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { Redis } from 'ioredis';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { liveRedis } from 'nestjs-custom-secret-manager/live';

@Injectable()
export class QueueConnection implements OnApplicationShutdown {
  readonly redis: Redis;

  constructor(secrets: SecretsService, config: ConfigService) {
    // the secret REDIS holds {"username": "...", "password": "..."}, and `preload` has read it
    const LiveRedis = liveRedis(Redis, secrets.secret('REDIS'));
    this.redis = new LiveRedis({
      host: config.getOrThrow<string>('REDIS_HOST'),
      port: Number(config.getOrThrow<string>('REDIS_PORT')),
      maxRetriesPerRequest: null, // the workers of BullMQ need it
    });
  }

  onApplicationShutdown(): void {
    this.redis.disconnect(); // BullMQ does not close a connection that it was given
  }
}

@Module({ providers: [QueueConnection], exports: [QueueConnection] })
class QueueConnectionModule {}

@Module({
  imports: [
    BullModule.forRootAsync({
      imports: [QueueConnectionModule],
      inject: [QueueConnection],
      useFactory: ({ redis }: QueueConnection) => ({ connection: redis }),
    }),
    BullModule.registerQueue({ name: 'mail' }),
  ],
  exports: [BullModule],
})
export class QueuesModule {}
