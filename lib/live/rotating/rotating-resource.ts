import {
  Logger,
  Scope,
  type FactoryProvider,
  type InjectionToken,
  type OnApplicationShutdown,
  type OptionalFactoryDependency,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { Rotating } from '../../core/contract/rotating';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { getRegistrationToken, registeredHint, registeredNames } from '../../secret-manager.tokens';
import type { Lifecycle } from '../../service/start/lifecycle';
import type { SecretsClass } from '../../typed/secret-value';
import type { TypedSecrets } from '../../typed/typed-secrets';
import { ResourceSecrets } from './resource-secrets';
import { ResourceBuilder } from './resource-builder';
import { readOptions, wrongOptions, type ReadOptions } from './rotating-options';
import { startRotation } from './resource-replacement';
import { classesOf, givenBy, partsOf, type SourceServices, type Values } from './sources';

const CONTEXT = { manager: 'unknown', operation: 'rotatingResource' };

interface Registration extends SourceServices {
  readonly lifecycle: Lifecycle;
}

/**
 * The names of the secrets, or classes with `@SecretValue`, by keys of your choice. In a list, each name is its own
 * key.
 */
export type SecretNames = readonly string[] | Readonly<Record<string, string | SecretsClass>>;

/** The values of one moment, by key: the text of a name, and the instance of a class. */
export type ValuesOf<Names extends SecretNames> = Names extends readonly (infer Name extends
  string)[]
  ? Readonly<Record<Name, string>>
  : {
      readonly [Key in keyof Names]: Names[Key] extends SecretsClass<infer Instance>
        ? Instance
        : string;
    };

export interface RotatingResourceOptions<Resource, Names extends SecretNames> {
  /** The token of the {@link Rotating}, for `@InjectRotating(token)`. */
  readonly provide: InjectionToken;
  readonly secrets: Names;
  /** The manager that has the secrets. Default: the one that is registered without a name. */
  readonly managerName?: string;
  /** The tokens of the further arguments of `build`. */
  readonly inject?: readonly (InjectionToken | OptionalFactoryDependency)[];
  /** Builds the resource from the values of one moment, and from what is injected. */
  readonly build: (values: ValuesOf<Names>, ...injected: never[]) => Resource | Promise<Resource>;
  /** Checks a resource before it serves. Throws, rejects or returns `false` for a wrong one. */
  readonly probe?: (resource: Resource) => unknown;
  /** Disposes of a resource that serves no more. It may take 5 s. */
  readonly dispose?: (resource: Resource) => unknown;
  /** The time for which a replaced resource may still be in use, in milliseconds. Default 30 000. */
  readonly drainMs?: number;
  /** The time for building and probing, in milliseconds. Default 30 000. */
  readonly buildTimeoutMs?: number;
  /** Returns whether an error of `use` means that the credentials were rejected. Default: `credentialsRejected`. */
  readonly isRejected?: (error: unknown) => boolean;
}

/**
 * Returns a provider of a {@link Rotating} resource: a mailer, a pool or a client that is built from secrets, and
 * replaced without a restart when one of them changes.
 *
 * The first resource is built and probed before its users are constructed. If that fails, the application does
 * not start. Later failures leave the resource before in service.
 *
 * Throws `MISCONFIGURED`, with all problems, for wrong options.
 */
export function rotatingResource<Resource, const Names extends SecretNames>(
  options: RotatingResourceOptions<Resource, Names>,
): FactoryProvider<Promise<Rotating<Resource>>> {
  const read = readOptions(options);
  const { provide, managerName, sources, inject } = read;
  const { build, probe = () => true, dispose = () => undefined } = options;
  return {
    provide,
    inject: [
      ModulesContainer,
      ModuleRef,
      { token: getRegistrationToken(managerName), optional: true },
      ...inject,
    ],
    useFactory: async (
      modules: ModulesContainer,
      module: ModuleRef,
      registration: Registration | undefined,
      ...injected: unknown[]
    ) => {
      const services = registration ?? noManager(modules, read);
      const { secrets, typed, lifecycle } = services;
      assertMadeOnce(module, read);
      const logger = new Logger('SecretManager');
      const shared = {
        ...read,
        context: { manager: secrets.managerName, operation: 'rotatingResource' },
        warn: (message: string) => logger.warn(message),
      };
      const functions = {
        build: (values: Values) =>
          build(givenBy(services, sources, values) as ValuesOf<Names>, ...(injected as never[])),
        probe,
        dispose,
      };
      const builder = new ResourceBuilder<Resource>(functions, shared);
      try {
        await loadClasses(typed, lifecycle, classesOf(sources));
        const parts = new ResourceSecrets(secrets, partsOf(services, sources));
        const rotation = await startRotation(builder, parts, shared);
        closeLater(rotation, modules);
        return rotation;
      } catch (error) {
        await lifecycle.closeUnlessStarted();
        throw error;
      }
    },
  };
}

/** Reads the fields of the classes. Rejects with one error that has all problems. */
async function loadClasses(
  typed: TypedSecrets,
  lifecycle: Lifecycle,
  classes: readonly SecretsClass[],
): Promise<void> {
  const problems = classes.flatMap((type) => typed.problemsOf(type));
  if (problems.length > 0) throw wrongOptions(problems);
  await lifecycle.loadHandles(classes.flatMap((type) => typed.requiredBy(type)));
}

/** Closes the resource with Nest's own first module. Nest calls no hook of a module that is loaded lazily. */
function closeLater(rotation: OnApplicationShutdown, modules: ModulesContainer): void {
  const [first] = modules.values();
  const onApplicationShutdown = (): unknown => rotation.onApplicationShutdown();
  first?.addProvider({
    provide: Symbol('rotating resource'),
    useValue: { onApplicationShutdown },
  });
}

/** Throws `MISCONFIGURED` for a request-scoped provider. Each request would leave a resource behind. */
function assertMadeOnce(module: ModuleRef, { provide, title }: ReadOptions): void {
  // Nest's own type of a token leaves the abstract classes out
  if (module.introspect(provide as string).scope === Scope.DEFAULT) return;
  throw new SecretManagerError(
    'MISCONFIGURED',
    `${title} injects a request-scoped provider. A resource is made once: inject providers with the default scope.`,
    CONTEXT,
  );
}

function noManager(
  modules: ModulesContainer,
  { title, managerName }: { readonly title: string; readonly managerName: string | undefined },
): never {
  const which = managerName === undefined ? '' : ` with name: ${quoteName(managerName)}`;
  const hint = registeredHint(registeredNames(modules.values()));
  throw new SecretManagerError(
    'MISCONFIGURED',
    `${title} found no manager. Import SecretManagerModule.forRoot()${which} in the root module${hint}.`,
    CONTEXT,
  );
}
