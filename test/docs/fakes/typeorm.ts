import type { DynamicModule } from '@nestjs/common';
import { asyncModule, type AsyncOptions } from './async-module';

/** A fake of `@nestjs/typeorm` 12: it keeps the connection options of TypeORM. */
export interface TypeOrmModuleOptions {
  readonly type: 'postgres';
  readonly host: string;
  readonly username: string;
  readonly password: string | (() => string) | (() => Promise<string>);
  readonly autoLoadEntities?: boolean;
}

export const TYPEORM_OPTIONS = 'TypeOrmModuleOptions';

export class TypeOrmModule {
  static forRootAsync(options: AsyncOptions<TypeOrmModuleOptions>): DynamicModule {
    return asyncModule(TypeOrmModule, TYPEORM_OPTIONS, options);
  }
}
