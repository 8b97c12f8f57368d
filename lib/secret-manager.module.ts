import { Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { SecretManagerError } from './core/errors/secret-manager.error';
import { kindOf, quoteName } from './core/errors/wording';
import { copyOption, fieldsOf, readFields } from './core/validation/option-copies';
import { registrationError } from './secret-manager.binding';
import { circleProblem } from './secret-manager.guards';
import {
  SecretManagerModuleBuilder,
  type SecretManagerModuleAsyncOptions,
  type SecretManagerModuleRootOptions,
} from './secret-manager.module-definition';
import type { Registration } from './secret-manager.providers';
import {
  requiredSecret,
  requiredSecretProblem,
  type RequiredSecret,
} from './secret-manager.required-secrets';
import {
  DEFAULT_MANAGER,
  getRegistrationToken,
  getSecretToken,
  registeredNames,
} from './secret-manager.tokens';
import type { SecretsService } from './service/secrets.service';

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
   * Provides a live handle for each name, for `@InjectSecret(name)`. The secrets are read before the classes
   * that inject them are constructed, and stay fresh from then on.
   *
   * A missing or empty secret keeps the application from starting. With `allowEmpty: true` the start and the
   * handle accept an empty value.
   */
  static forFeature(
    names: readonly (string | { readonly name: string; readonly allowEmpty?: true })[],
    { managerName }: { readonly managerName?: string } = {},
  ): DynamicModule {
    const registration = getRegistrationToken(managerName);
    const feature = readFeature(names);
    const { required } = feature;
    const loaded = `Secrets(${required.map(({ name }) => String(name)).join()})`;
    const handles = required.map(({ name, allowEmpty }) => ({
      provide: getSecretToken(name, managerName),
      inject: [loaded],
      useFactory: (secrets: SecretsService) => secrets.secret(name, { allowEmpty }),
    }));
    return toModule({
      module: SecretManagerModule,
      providers: [
        {
          provide: loaded,
          inject: [ModulesContainer, { token: registration, optional: true }],
          useFactory: (modules: ModulesContainer, made: Registration | undefined) =>
            load(made ?? noManager(modules, feature, managerName), feature),
        },
        ...handles,
      ],
      exports: handles.map(({ provide }) => provide),
    });
  }
}

/** The arguments of `forFeature`: the named secrets, and their problems. */
interface Feature {
  readonly required: readonly RequiredSecret[];
  readonly problems: readonly string[];
  /** The kind of a value that is no list. */
  readonly noList?: string;
}

function readFeature(names: unknown): Feature {
  const problems: string[] = [];
  const list = copyOption(names, 'names', problems);
  if (!Array.isArray(list)) return { required: [], problems, noList: kindOf(names) };
  list.forEach((item: unknown, index) => {
    const problem = requiredSecretProblem(item, ['allowEmpty']);
    if (problem !== undefined) problems.push(`[${index}] ${problem}`);
  });
  return { required: list.map(requiredSecret), problems };
}

async function load(
  { secrets, lifecycle }: Registration,
  { required, problems, noList }: Feature,
): Promise<SecretsService> {
  if (noList !== undefined) throw notAList(noList);
  await lifecycle.loadHandles(required, problems);
  return secrets;
}

function noManager(
  modules: ModulesContainer,
  { required, noList }: Feature,
  managerName: string | undefined,
): never {
  if (noList !== undefined) throw notAList(noList);
  const names = required.map(({ name }) => quoteName(name)).join(', ');
  const which = managerName === undefined ? '' : ` with name: '${managerName}'`;
  const others = registeredNames(modules.values());
  if (others.includes(managerName ?? DEFAULT_MANAGER)) throw registrationError(circleProblem());
  const registered = others.map(quoteName).join(', ');
  throw misconfigured(
    'forFeature',
    `of ${names} found no manager. Import SecretManagerModule.forRoot()${which} in the root module` +
      (registered === '' ? '' : `, or give \`managerName\`: registered are ${registered}`),
  );
}

/** Returns a copy of the options of a registration. Throws `MISCONFIGURED` for a field whose getter throws. */
function readOnce<Options extends object>(options: Options, operation: string): Options {
  if (typeof options !== 'object') return options;
  const problems: string[] = [];
  const fields = readFields(options, fieldsOf(options, '', problems), '', problems);
  if (problems.length > 0) throw misconfigured(operation, `is not right: ${problems.join(', ')}`);
  return fields as Options;
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

function noOptions(): never {
  throw misconfigured(
    'forRootAsync',
    'needs useFactory, useClass or useExisting. Without options, use forRoot()',
  );
}

function notAList(kind: string): SecretManagerError {
  return misconfigured('forFeature', `takes a list of names, not ${kind}`);
}

function misconfigured(operation: string, problem: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', `SecretManagerModule.${operation}() ${problem}.`, {
    manager: 'unknown',
    operation,
  });
}
