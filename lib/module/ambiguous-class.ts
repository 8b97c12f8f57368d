import type { SecretManagerError } from '../core/errors/secret-manager.error';
import { attempt, read } from '../core/errors/safe-access';
import { quoteName } from '../core/errors/wording';
import { misconfigured } from './misconfigured';
import { DEFAULT_MANAGER, getSecretsOfToken, registeredNames } from '../secret-manager.tokens';
import type { SecretsClass } from '../typed/secret-value';

/** The metadata in which TypeScript and Nest keep what a class injects. */
const PARAMTYPES_METADATA = 'design:paramtypes';
const SELF_DECLARED_DEPS_METADATA = 'self:paramtypes';
const PROPERTY_DEPS_METADATA = 'self:properties_metadata';

/** The part of Nest's `Module` that is read here. */
interface NestModule {
  readonly metatype: unknown;
  readonly imports: ReadonlySet<NestModule>;
  readonly exports: ReadonlySet<unknown>;
  readonly providers: ReadonlyMap<unknown, NestProvider>;
  readonly controllers: ReadonlyMap<unknown, NestProvider>;
  /** The guards, pipes, interceptors and filters of the controllers. */
  readonly injectables: ReadonlyMap<unknown, NestProvider>;
}

interface NestProvider {
  readonly metatype: unknown;
  readonly inject?: readonly unknown[] | null;
}

/**
 * Throws `MISCONFIGURED` if a class is injected by its type in a module that has it over two managers. Nest would
 * silently inject one of the two.
 */
export function assertOneManager(modules: Iterable<NestModule>, type: SecretsClass): void {
  const application = [...modules];
  const names = registeredNames(application);
  for (const module of application) {
    const managers = [...new Set(managersIn(module, type, names))];
    if (managers.length < 2) continue;
    const { providers, controllers, injectables } = module;
    const all = [providers, controllers, injectables].flatMap((some) => [...some.values()]);
    const injecting = all.find((one) => injectedBy(one).includes(type));
    if (injecting !== undefined) throw ambiguous(type, injecting, managers);
  }
}

/** Returns the managers over which a module, through its imports, has the class. */
function managersIn(
  module: NestModule,
  type: SecretsClass,
  names: readonly string[],
  isReexporting: (imported: NestModule) => boolean = () => true,
  visited = new Set<NestModule>([module]),
): string[] {
  return [...module.imports].filter(isReexporting).flatMap((imported) => {
    if (visited.has(imported)) return [];
    visited.add(imported);
    if (imported.providers.has(type) && imported.exports.has(type)) {
      return names.filter((name) => imported.providers.has(getSecretsOfToken(type, name)));
    }
    const exportsModule = ({ metatype }: NestModule): boolean => imported.exports.has(metatype);
    return managersIn(imported, type, names, exportsModule, visited);
  });
}

/** Returns the tokens that a provider injects. */
function injectedBy({ metatype, inject }: NestProvider): readonly unknown[] {
  if (inject) return inject.map(tokenOf);
  if (typeof metatype !== 'function') return [];
  const parameters = [...metadata(PARAMTYPES_METADATA, metatype)];
  for (const declared of metadata(SELF_DECLARED_DEPS_METADATA, metatype)) {
    parameters[Number(read(declared, 'index'))] = read(declared, 'param');
  }
  const properties = metadata(PROPERTY_DEPS_METADATA, metatype).map((one) => read(one, 'type'));
  return [...parameters, ...properties].map(tokenOf);
}

/** Returns the token of a dependency, which may be `{ token, optional }` or a `forwardRef`. */
function tokenOf(dependency: unknown): unknown {
  if (typeof dependency !== 'object') return dependency;
  const forward = read(dependency, 'forwardRef');
  if (typeof forward === 'function') return attempt(() => (forward as () => unknown)());
  return tokenOf(read(dependency, 'token'));
}

function metadata(key: string, type: object): readonly unknown[] {
  return (Reflect.getMetadata(key, type) ?? []) as readonly unknown[];
}

function ambiguous(
  type: SecretsClass,
  { metatype }: NestProvider,
  managers: readonly string[],
): SecretManagerError {
  const where = typeof metatype === 'function' ? metatype.name : 'A factory';
  const [first = DEFAULT_MANAGER] = managers.filter((name) => name !== DEFAULT_MANAGER);
  return misconfigured(
    'forFeature',
    `${where} injects ${type.name}, which its module has over the managers ${managers.map(quoteName).join(' and ')}. ` +
      `Say which one: @InjectSecretsOf(${type.name}, ${quoteName(first)}), or without a name for the default one.`,
  );
}
