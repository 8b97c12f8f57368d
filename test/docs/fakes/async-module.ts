import type { DynamicModule, FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';

/** The part of `forRootAsync` and `registerAsync` that the recipes use. */
export interface AsyncOptions<Options> extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  // the type of factory arguments in Nest
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly useFactory: (...args: any[]) => Options | Promise<Options>;
}

/** Returns a module that provides the result of `useFactory` under `token`. */
export function asyncModule<Options>(
  module: Type,
  token: string | symbol,
  { imports, inject, useFactory }: AsyncOptions<Options>,
  providers: Type[] = [],
): DynamicModule {
  return {
    module,
    imports,
    providers: [{ provide: token, inject, useFactory }, ...providers],
    exports: [token, ...providers],
  };
}
