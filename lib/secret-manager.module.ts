import { Module, type DynamicModule } from '@nestjs/common';
import { SecretManagerError } from './core/secret-manager.error';
import { kindOf, quoteName } from './core/secret-name';
import { getRegistrationToken, getSecretToken } from './secret-manager.constants';
import {
  SecretManagerModuleBuilder,
  type SecretManagerModuleAsyncOptions,
  type SecretManagerModuleRootOptions,
} from './secret-manager.module-definition';
import type { Registration } from './secret-manager.providers';
import type { SecretsService } from './secrets.service';

/** Brings a team's secret manager, and `SecretsService` over it, into an application. */
@Module({})
export class SecretManagerModule {
  /** Registers a manager with options that are known when the module is declared. */
  static forRoot(options: SecretManagerModuleRootOptions): DynamicModule {
    return { ...SecretManagerModuleBuilder.forRoot(options ?? {}), module: SecretManagerModule };
  }

  /** Registers a manager with options that are made at start: by `useFactory`, `useClass` or `useExisting`. */
  static forRootAsync(options: SecretManagerModuleAsyncOptions): DynamicModule {
    const { useFactory, useClass, useExisting } = options ?? {};
    const source = useFactory ?? useClass ?? useExisting;
    const complete = source === undefined ? { ...options, useFactory: noOptions } : options;
    return { ...SecretManagerModuleBuilder.forRootAsync(complete), module: SecretManagerModule };
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
    return {
      module: SecretManagerModule,
      providers: [
        {
          provide: loaded,
          inject: [{ token: registration, optional: true }],
          useFactory: (made: Registration | undefined) => load(made?.secrets, names, managerName),
        },
        ...handles,
      ],
      exports: handles.map(({ provide }) => provide),
    };
  }
}

async function load(
  secrets: SecretsService | undefined,
  names: readonly string[],
  managerName?: string,
): Promise<SecretsService> {
  if (!isList(names)) {
    throw misconfigured('forFeature', `takes a list of names, not ${kindOf(names)}`);
  }
  if (secrets === undefined) {
    const which = managerName === undefined ? '' : ` with name: '${managerName}'`;
    throw misconfigured(
      'forFeature',
      `of ${names.map(quoteName).join(', ')} found no manager. Import SecretManagerModule.forRoot()${which} in the root module`,
    );
  }
  await secrets.loadHandles(names, 'forFeature');
  return secrets;
}

function noOptions(): never {
  throw misconfigured(
    'forRootAsync',
    'needs useFactory, useClass or useExisting. Without options, use forRoot()',
  );
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
