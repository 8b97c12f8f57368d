import { Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { SecretManagerError } from './core/secret-manager.error';
import { kindOf, quoteName } from './core/secret-name';
import { getRegistrationToken, getSecretToken, registeredNames } from './secret-manager.constants';
import {
  SecretManagerModuleBuilder,
  type SecretManagerModuleAsyncOptions,
  type SecretManagerModuleRootOptions,
} from './secret-manager.module-definition';
import type { Registration } from './secret-manager.providers';
import type { SecretsService } from './secrets.service';

/** Provided in every module that `forRoot`, `forRootAsync` and `forFeature` return, and by a factory that throws in any other. */
const ORIGIN = 'SecretManagerModule origin';

/** Brings a team's secret manager, and `SecretsService` over it, into an application. */
@Module({ providers: [{ provide: ORIGIN, useFactory: refuseBareImport }] })
export class SecretManagerModule {
  /** Registers a manager with options that are known when the module is declared. */
  static forRoot(options: SecretManagerModuleRootOptions): DynamicModule {
    return toModule(SecretManagerModuleBuilder.forRoot(options ?? {}));
  }

  /** Registers a manager with options that are made at start: by `useFactory`, `useClass` or `useExisting`. */
  static forRootAsync(options: SecretManagerModuleAsyncOptions): DynamicModule {
    const { useFactory, useClass, useExisting } = options ?? {};
    const source = useFactory ?? useClass ?? useExisting;
    const complete = source === undefined ? { ...options, useFactory: noOptions } : options;
    return toModule(SecretManagerModuleBuilder.forRootAsync(complete));
  }

  /**
   * Provides a live handle for each name, to be injected with `@InjectSecret(name)`. All are read before whoever injects one
   * is constructed, and kept fresh from then on; a name that is missing keeps the application from starting.
   */
  static forFeature(
    names: readonly string[],
    { managerName }: { readonly managerName?: string } = {},
  ): DynamicModule {
    const registration = getRegistrationToken(managerName);
    const loaded = `Secrets(${String(names)})`;
    const handles = (isList(names) ? names : []).map((name) => ({
      provide: getSecretToken(name, managerName),
      inject: [loaded],
      useFactory: (secrets: SecretsService) => secrets.secret(name),
    }));
    return toModule({
      module: SecretManagerModule,
      providers: [
        {
          provide: loaded,
          inject: [ModulesContainer, { token: registration, optional: true }],
          useFactory: (modules: ModulesContainer, made: Registration | undefined) =>
            load(made?.secrets ?? noManager(modules, names, managerName), names),
        },
        ...handles,
      ],
      exports: handles.map(({ provide }) => provide),
    });
  }
}

function toModule(definition: DynamicModule): DynamicModule {
  const { providers = [] } = definition;
  const origin = { provide: ORIGIN, useValue: true };
  return { ...definition, module: SecretManagerModule, providers: [...providers, origin] };
}

function refuseBareImport(): never {
  throw new SecretManagerError(
    'MISCONFIGURED',
    '`imports: [SecretManagerModule]` imports nothing. Import SecretManagerModule.forRoot({ manager, isGlobal: true }) in the ' +
      'root module, and nothing elsewhere. Without `isGlobal`, import a module that re-exports it: ' +
      'exports: [SecretManagerModule]. For handles, import SecretManagerModule.forFeature([name]).',
    { manager: 'unknown', operation: 'imports' },
  );
}

async function load(secrets: SecretsService, names: readonly string[]): Promise<SecretsService> {
  if (!isList(names)) throw notAList(names);
  await secrets.loadHandles(names, 'forFeature');
  return secrets;
}

function noManager(
  modules: ModulesContainer,
  names: readonly string[],
  managerName: string | undefined,
): never {
  const which = managerName === undefined ? '' : ` with name: '${managerName}'`;
  if (!isList(names)) throw notAList(names);
  const registered = registeredNames(modules.values()).map(quoteName).join(', ');
  throw misconfigured(
    'forFeature',
    `of ${names.map(quoteName).join(', ')} found no manager. Import SecretManagerModule.forRoot()${which} in the root module` +
      (registered === '' ? '' : `, or give \`managerName\`: registered are ${registered}`),
  );
}

function noOptions(): never {
  throw misconfigured(
    'forRootAsync',
    'needs useFactory, useClass or useExisting. Without options, use forRoot()',
  );
}

function notAList(names: unknown): SecretManagerError {
  return misconfigured('forFeature', `takes a list of names, not ${kindOf(names)}`);
}

function isList(names: readonly string[]): boolean {
  return Array.isArray(names);
}

function misconfigured(operation: string, problem: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', `SecretManagerModule.${operation}() ${problem}.`, {
    manager: 'unknown',
    operation,
  });
}
