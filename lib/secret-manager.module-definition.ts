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
} from './secret-manager.binding';
import { holdOptions } from './secret-manager.held-options';
import { injectionProblem } from './secret-manager.injections';
import type { SecretManagerModuleOptions } from './secret-manager.options';
import { createProviders, type Registration } from './secret-manager.providers';
import {
  SECRET_MANAGER_OPTIONS,
  getRegistrationToken,
  getSecretManagerToken,
  isBuiltFromManager,
  secretsServiceTokens,
  virtualKeysServiceTokens,
} from './secret-manager.tokens';

/** What is known when the module is declared. */
export interface SecretManagerModuleExtras {
  readonly manager: ManagerBinding;
  /** Tells several managers of one application apart. Default: there is one. */
  readonly name?: string;
  /** Whether `SecretsService` can be injected without importing the module again. Default `false`. */
  readonly isGlobal?: boolean;
  /** Providers that the manager injects. */
  readonly extraProviders?: Provider[];
  /** Modules whose providers the manager injects. */
  readonly imports?: ModuleMetadata['imports'];
}

/** What `useClass` and `useExisting` of `forRootAsync` implement. */
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
 * Holds what a registration makes. It is always global, so that `forFeature` works wherever it stands; what applications
 * inject is exported by the module that they import.
 */
@Module({})
class SecretManagerCoreModule {}

/** Nest prints the name of the module in which it misses a dependency, so that the name says where to give one. */
Object.defineProperty(SecretManagerCoreModule, 'name', {
  value: 'SecretManagerModule.forRoot({ imports, extraProviders })',
});

/** Turns options and their sources into a module definition. Annotated, because the inferred type names files inside Nest. */
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
  const problem =
    registrationNameProblem(name) ??
    bindingProblem(manager) ??
    injectionProblem(manager, extraProviders, (token) => isBuiltFromManager(token, name));
  const core: DynamicModule = {
    module: SecretManagerCoreModule,
    global: true,
    imports: [...(definition.imports ?? []), ...imports], // `imports` of forRootAsync is no extra to Nest
    providers: [
      ...(definition.providers ?? []).map(holdOptions),
      ...(problem === undefined ? extraProviders : []), // nothing is to fail before the problem is told
      ...createProviders(manager, name, problem),
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
  return {
    module: definition.module,
    global: isGlobal,
    imports: [core],
    providers: services,
    exports: services.map(({ provide }) => provide),
  };
}
