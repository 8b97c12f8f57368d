import { Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { assertOneManager } from './module/ambiguous-class';
import { fieldsOf, readFields } from './core/validation/option-copies';
import { loadFeature, noManager, readFeature, type FeatureSecret } from './module/feature';
import {
  SecretManagerModuleBuilder,
  type SecretManagerModuleAsyncOptions,
  type SecretManagerModuleRootOptions,
} from './secret-manager.module-definition';
import { misconfigured } from './module/misconfigured';
import type { Registration } from './module/providers';
import { getRegistrationToken, getSecretToken, getSecretsOfToken } from './secret-manager.tokens';
import type { SecretsClass } from './typed/secret-value';

/**
 * A token that every module from `forRoot`, `forRootAsync` and `forFeature` provides. In a bare import its
 * factory throws.
 */
const ORIGIN = 'SecretManagerModule origin';

/** Registers a team's secret manager, and `SecretsService` over it, in an application. */
@Module({ providers: [{ provide: ORIGIN, useFactory: refuseBareImport }] })
export class SecretManagerModule {
  /** Registers a manager with options that are known when the module is declared. */
  static forRoot(options: SecretManagerModuleRootOptions): DynamicModule {
    return toModule(SecretManagerModuleBuilder.forRoot(readOnce(options ?? {}, 'forRoot')));
  }

  /**
   * Registers a manager with options that are created at start by `useFactory`, `useClass` or `useExisting`.
   */
  static forRootAsync(options: SecretManagerModuleAsyncOptions): DynamicModule {
    const read = readOnce(options ?? {}, 'forRootAsync');
    const source = read.useFactory ?? read.useClass ?? read.useExisting;
    const complete = source === undefined ? { ...read, useFactory: noOptions } : read;
    return toModule(SecretManagerModuleBuilder.forRootAsync(complete));
  }

  /**
   * Provides a live handle for each name, for `@InjectSecret(name)`, and an instance of each class with
   * `@SecretValue`, which is its own token. The secrets are read before the classes that inject them are
   * constructed, and stay fresh from then on.
   *
   * A missing, empty or refused secret keeps the application from starting; one error lists them all. With
   * `allowEmpty: true` the start and the handle accept an empty value.
   *
   * With `managerName`, `@InjectSecretsOf(Class, managerName)` injects the instance, too.
   */
  static forFeature(
    secrets: SecretsClass | readonly FeatureSecret[],
    { managerName }: { readonly managerName?: string } = {},
  ): DynamicModule {
    const feature = readFeature(secrets, managerName);
    const { required, classes } = feature;
    const names = [...required, ...classes].map(({ name }) => String(name));
    const loaded = `Secrets(${names.join()})`;
    const handles = required.map(({ name, allowEmpty }) => ({
      provide: getSecretToken(name, managerName),
      inject: [loaded],
      useFactory: (registration: Registration) => registration.secrets.secret(name, { allowEmpty }),
    }));
    const instances = classes.flatMap((type) =>
      [type, getSecretsOfToken(type, managerName)].map((token) => ({
        provide: token,
        inject: [loaded],
        useFactory: ({ typed }: Registration) => typed.instanceOf(type),
      })),
    );
    const provided = [...handles, ...instances];
    return toModule({
      module: SecretManagerModule,
      providers: [
        {
          provide: loaded,
          inject: [ModulesContainer, { token: getRegistrationToken(managerName), optional: true }],
          useFactory: async (modules: ModulesContainer, made: Registration | undefined) => {
            const registration = made ?? noManager(modules, feature);
            for (const type of classes) assertOneManager(modules.values(), type);
            await loadFeature(registration, feature);
            return registration;
          },
        },
        ...provided,
      ],
      exports: provided.map(({ provide }) => provide),
    });
  }
}

/** Returns a copy of the options of a registration. Throws `MISCONFIGURED` for a field whose getter throws. */
function readOnce<Options extends object>(options: Options, operation: string): Options {
  if (typeof options !== 'object') return options;
  const problems: string[] = [];
  const fields = readFields(options, fieldsOf(options, '', problems), '', problems);
  if (problems.length === 0) return fields as Options;
  const message = `SecretManagerModule.${operation}() is not right: ${problems.join(', ')}.`;
  throw misconfigured(operation, message);
}

function toModule(definition: DynamicModule): DynamicModule {
  const { providers = [] } = definition;
  const origin = { provide: ORIGIN, useValue: true };
  return { ...definition, module: SecretManagerModule, providers: [...providers, origin] };
}

function refuseBareImport(): never {
  throw misconfigured(
    'imports',
    '`imports: [SecretManagerModule]` imports nothing. Import SecretManagerModule.forRoot({ manager, isGlobal: true }) in the ' +
      'root module, and nothing elsewhere. Without `isGlobal`, import a module that re-exports it: ' +
      'exports: [SecretManagerModule]. For handles, import SecretManagerModule.forFeature([name]).',
  );
}

function noOptions(): never {
  throw misconfigured(
    'forRootAsync',
    'SecretManagerModule.forRootAsync() needs useFactory, useClass or useExisting. Without options, use forRoot().',
  );
}
