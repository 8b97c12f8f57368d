import type { DynamicModule, InjectionToken } from '@nestjs/common';
import { asyncModule, type AsyncOptions } from './async-module';

export enum Transport {
  REDIS = 1,
}

/** A fake of `@nestjs/microservices` 12: the options with which a client or a server would connect. */
export interface RedisOptions {
  readonly transport: Transport.REDIS;
  readonly options: { readonly host: string; readonly password: string };
}

export interface AsyncMicroserviceOptions {
  inject: InjectionToken[];
  // the type of factory arguments in Nest
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  useFactory: (...args: any[]) => RedisOptions;
}

export class ClientsModule {
  static registerAsync([client]: [AsyncOptions<RedisOptions> & { name: string }]): DynamicModule {
    return asyncModule(ClientsModule, client.name, client);
  }
}
