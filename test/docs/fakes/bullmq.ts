import type { DynamicModule } from '@nestjs/common';
import { asyncModule, type AsyncOptions } from './async-module';

/** A fake of `@nestjs/bullmq` 12: it keeps the connection options of BullMQ. */
export interface BullRootModuleOptions {
  readonly connection: { readonly host: string; readonly password: string };
}

export const BULL_OPTIONS = 'BULLMQ_CONFIG(default)';

export class BullModule {
  static forRootAsync(options: AsyncOptions<BullRootModuleOptions>): DynamicModule {
    return asyncModule(BullModule, BULL_OPTIONS, options);
  }

  static registerQueue(..._queues: readonly { readonly name: string }[]): DynamicModule {
    return { module: BullModule };
  }
}
