import { Logger, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import {
  isCustomSecretManager,
  type CustomSecretManager,
} from './core/contract/custom-secret-manager';
import { SecretManagerError, isSecretManagerError } from './core/errors/secret-manager.error';
import { kindOf, quoteName } from './core/errors/wording';
import { BoundaryPolicy } from './policies/boundary.policy';
import { compose } from './policies/compose';
import { DeadlinePolicy } from './policies/deadline.policy';
import { isOwned, toProvider, type ManagerBinding } from './secret-manager.binding';
import type { HeldOptions } from './secret-manager.held-options';
import {
  resolveOptions,
  type ResolvedOptions,
  type SecretManagerModuleOptions,
} from './secret-manager.options';
import {
  DEFAULT_MANAGER,
  SECRET_MANAGER_OPTIONS,
  getRegistrationToken,
  getSecretManagerToken,
  registeredNames,
} from './secret-manager.tokens';
import { SecretsService } from './service/secrets.service';
import { VirtualKeysService } from './virtual-keys/virtual-keys.service';

/** What one manager makes available. */
export interface Registration {
  readonly secrets: SecretsService;
  readonly virtualKeys: VirtualKeysService;
}

/**
 * What a registration is made of: the team's manager, the services over its pipeline, and the end of all. If there is a
 * `problem` with the binding, the start fails with it.
 */
export function createProviders(
  binding: ManagerBinding | undefined,
  name: string | undefined,
  problem: string | undefined,
): Provider[] {
  const manager = getSecretManagerToken(name);
  const registration = getRegistrationToken(name);
  return [
    toProvider(manager, binding, problem),
    {
      provide: registration,
      inject: [manager, SECRET_MANAGER_OPTIONS, ModulesContainer],
      useFactory: async (
        instance: CustomSecretManager,
        options: HeldOptions,
        modules: ModulesContainer,
      ) => {
        const assertRegistered = () => assertOnlyOne(modules, name);
        const made = await start(instance, options.open(), isOwned(binding), assertRegistered);
        endWithApplication(made, modules);
        return made;
      },
    },
  ];
}

/**
 * Adds the lifecycle hooks to Nest's own first module. Nest calls the hooks of modules that it knew at start, and none of a
 * module that is loaded lazily.
 */
function endWithApplication({ secrets }: Registration, modules: ModulesContainer): void {
  const [first] = modules.values();
  first?.addProvider({
    provide: Symbol('SecretManager lifecycle'),
    useValue: {
      onApplicationBootstrap: () => secrets.started(),
      onApplicationShutdown: () => secrets.close(),
    },
  });
}

/** manager -> options -> policies -> validateEnvironment -> preload: whoever injects the service gets it in working order. */
async function start(
  manager: CustomSecretManager,
  given: SecretManagerModuleOptions,
  closesManager: boolean,
  assertRegistered: () => void,
): Promise<Registration> {
  assertIsManager(manager);
  let close = (): Promise<void> =>
    new DeadlinePolicy(new BoundaryPolicy(manager, { closesManager })).close();
  try {
    assertRegistered();
    const options = resolveOptions(given, manager);
    const logger = new Logger('SecretManager');
    const pipeline = compose(manager, pipelineOptions(options, manager, closesManager, logger));
    const secrets = new SecretsService(pipeline, options, (message) => logger.warn(message));
    close = () => secrets.close();
    warnOf(options, manager, logger);
    await pipeline.outermost.validateEnvironment();
    await secrets.load(options.preload, 'preload');
    return { secrets, virtualKeys: new VirtualKeysService(pipeline, options) };
  } catch (error) {
    await close().catch(() => undefined); // the failure of the start is what has to be told
    throw error;
  }
}

function pipelineOptions(
  options: ResolvedOptions,
  { secretManagerName }: CustomSecretManager,
  closesManager: boolean,
  logger: Logger,
): Parameters<typeof compose>[1] {
  const tell = (event: keyof typeof EVENTS, error?: unknown): void => {
    const code = isSecretManagerError(error) ? error.code : 'UNKNOWN';
    logger.warn(`${secretManagerName}: ${EVENTS[event].replace('{code}', code)}`);
  };
  return {
    ...options,
    primarySecretName: options.settings.primarySecretName,
    closesManager,
    cache: options.cache && { ...options.cache, onStateChange: tell },
    circuitBreaker: options.circuitBreaker && { ...options.circuitBreaker, onStateChange: tell },
  };
}

const EVENTS = {
  stale: 'a refresh failed with {code}; cached secrets are served until they are too old.',
  recovered: 'refreshes succeed again; cached secrets are fresh.',
  open: 'the store failed repeatedly; it is asked again by itself in a while (circuit open).',
  closed: 'the store answers again (circuit closed).',
} as const;

function warnOf(
  { settings }: ResolvedOptions,
  { secretManagerName }: CustomSecretManager,
  logger: Logger,
): void {
  if (settings.hostedKeys?.length === 0) {
    logger.warn(`${secretManagerName} is never asked: hostedKeys is an empty list.`);
  }
  if (/\b(http|https|net|tls|undici)\b/.test(process.env.NODE_DEBUG ?? '')) {
    logger.warn('NODE_DEBUG prints what goes over the wire, tokens and secrets included.');
  }
}

/** Of two registrations of one name Nest would hand out the last, and say nothing. */
function assertOnlyOne(modules: ModulesContainer, name = DEFAULT_MANAGER): void {
  const count = registeredNames(modules.values()).filter((one) => one === name).length;
  if (count === 1) return;
  throw new SecretManagerError(
    'MISCONFIGURED',
    `SecretManagerModule is registered ${count} times with the name ${quoteName(name)}. Register it once, in the root module ` +
      'with `isGlobal: true`, or give each manager a `name` of its own.',
    { manager: 'unknown', operation: 'forRoot' },
  );
}

function assertIsManager(candidate: unknown): void {
  const problem = managerProblem(candidate);
  if (problem === undefined) return;
  throw new SecretManagerError('MISCONFIGURED', `SecretManagerModule: ${problem}.`, {
    manager: 'unknown',
    operation: 'forRoot',
  });
}

function managerProblem(candidate: unknown): string | undefined {
  if (!isCustomSecretManager(candidate)) {
    return `the manager must be an instance of a class that extends CustomSecretManager, and is ${kindOf(candidate)}. Look at what provides it`;
  }
  const { secretManagerName, readSecret } = candidate as Partial<CustomSecretManager>;
  if (typeof secretManagerName !== 'string') {
    return (
      'the manager is not constructed yet: it injects, by forwardRef, what is built from it. Read what the manager itself ' +
      'needs from ConfigService'
    );
  }
  return typeof readSecret === 'function'
    ? undefined
    : `${secretManagerName} does not implement readSecret()`;
}
