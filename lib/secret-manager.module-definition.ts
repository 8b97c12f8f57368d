import {
  ConfigurableModuleBuilder,
  Module,
  type ConfigurableModuleAsyncOptions,
  type ConfigurableModuleCls,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type Provider,
} from '@nestjs/common';
import {
  bindingProblem,
  registrationNameProblem,
  type ManagerBinding,
} from './module/manager-provider';
import { circleGuards } from './module/circular-injection';
import { holdOptions } from './module/held-options';
import type { SecretManagerModuleOptions } from './secret-manager.options';
import { createProviders, type Registration } from './module/providers';
import {
  SECRET_MANAGER_OPTIONS,
  getRegistrationToken,
  getSecretManagerToken,
  secretsServiceTokens,
  virtualKeysServiceTokens,
} from './secret-manager.tokens';

/** The options that are known when the module is declared. */
export interface SecretManagerModuleExtras {
  readonly manager: ManagerBinding;
  /** The name that distinguishes several managers of one application. Default: the only manager has none. */
  readonly name?: string;
  /** Makes `SecretsService` injectable in modules that do not import this one. Default `false`. */
  readonly isGlobal?: boolean;
  /** Providers that the manager injects. */
  readonly extraProviders?: Provider[];
  /** Modules whose providers the manager injects. */
  readonly imports?: ModuleMetadata['imports'];
}

/** The interface of the classes for `useClass` and `useExisting` of `forRootAsync`. */
export interface SecretManagerOptionsFactory {
  createSecretManagerOptions(): SecretManagerModuleOptions | Promise<SecretManagerModuleOptions>;
}

const NO_EXTRAS = {
  manager: undefined,
  name: undefined,
  isGlobal: false,
  extraProviders: [],
  imports: [],
};

/**
 * Holds the providers of a registration. The module is always global, so that `forFeature` works in every
 * module. The imported module exports the services for applications.
 */
@Module({})
class SecretManagerCoreModule {}

/**
 * Provides the services. Nest's `get` returns the provider of the last module with a token, so the services come after
 * the guards of {@link SecretManagerCoreModule}.
 */
@Module({})
class SecretManagerServicesModule {}

/**
 * Nest prints the module's name in the error of a missing dependency. The name therefore says how to provide
 * one.
 */
Object.defineProperty(SecretManagerCoreModule, 'name', {
  value: 'SecretManagerModule.forRoot({ imports, extraProviders })',
});

/**
 * Builds a module definition from options or their source. The type is annotated, because the inferred one
 * names files inside Nest.
 */
export const SecretManagerModuleBuilder: ConfigurableModuleCls<
  SecretManagerModuleOptions,
  'forRoot',
  'createSecretManagerOptions',
  Partial<SecretManagerModuleExtras>
> = new ConfigurableModuleBuilder<SecretManagerModuleOptions>({
  optionsInjectionToken: SECRET_MANAGER_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSecretManagerOptions')
  .setExtras<Partial<SecretManagerModuleExtras>>(NO_EXTRAS, toRootModule)
  .build().ConfigurableModuleClass;

/** The options of `forRoot`. */
export type SecretManagerModuleRootOptions = SecretManagerModuleOptions & SecretManagerModuleExtras;

/** The options of `forRootAsync`. */
export type SecretManagerModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  SecretManagerModuleOptions,
  'createSecretManagerOptions'
> &
  SecretManagerModuleExtras;

function toRootModule(
  definition: DynamicModule,
  {
    manager,
    name,
    isGlobal,
    extraProviders = [],
    imports = [],
  }: Partial<SecretManagerModuleExtras>,
): DynamicModule {
  const problem = registrationNameProblem(name) ?? bindingProblem(manager);
  const core: DynamicModule = {
    module: SecretManagerCoreModule,
    global: true,
    imports: [...(definition.imports ?? []), ...imports], // Nest does not treat `imports` of forRootAsync as an extra
    providers: [
      ...(definition.providers ?? []).map(holdOptions),
      ...(problem === undefined ? extraProviders : []), // no other failure may hide the problem
      ...createProviders(manager, name, problem),
      ...circleGuards([manager, ...extraProviders], name),
    ],
    exports: [getRegistrationToken(name), getSecretManagerToken(name)],
  };
  const registration = getRegistrationToken(name);
  const services: FactoryProvider[] = [
    ...secretsServiceTokens(name).map((provide) => ({
      provide,
      inject: [registration],
      useFactory: ({ secrets }: Registration) => secrets,
    })),
    ...virtualKeysServiceTokens(name).map((provide) => ({
      provide,
      inject: [registration],
      useFactory: ({ virtualKeys }: Registration) => virtualKeys,
    })),
  ];
  const served: DynamicModule = {
    module: SecretManagerServicesModule,
    providers: services,
    exports: services.map(({ provide }) => provide),
  };
  return {
    module: definition.module,
    global: isGlobal,
    imports: [core, served],
    exports: [SecretManagerServicesModule],
  };
}
