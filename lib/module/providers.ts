import { Logger, type Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import {
  isCustomSecretManager,
  type CustomSecretManager,
} from '../core/contract/custom-secret-manager';
import { isSecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../core/errors/wording';
import type { Fleet } from '../fleet/engine/fleet';
import { BoundaryPolicy } from '../policies/boundary.policy';
import { compose } from '../policies/compose';
import { DeadlinePolicy } from '../policies/deadline.policy';
import { isOwned, registrationError, toProvider, type ManagerBinding } from './manager-provider';
import { subscribeListeners } from './change-listeners';
import { assertOneKeyPerFleet, createFleet } from './fleet';
import { assertMadeOnce, circleProblem, scopeGuard } from './circular-injection';
import type { HeldOptions } from './held-options';
import { misconfigured } from './misconfigured';
import {
  resolveOptions,
  type ResolvedOptions,
  type SecretManagerModuleOptions,
} from '../secret-manager.options';
import {
  DEFAULT_MANAGER,
  SECRET_MANAGER_OPTIONS,
  getRegistrationToken,
  getSecretManagerToken,
  registeredNames,
} from '../secret-manager.tokens';
import { Lifecycle } from '../service/start/lifecycle';
import { RegistrationCheck } from '../service/start/registration-check';
import { SecretHandles } from '../service/secret-handles';
import { SecretLookup } from '../service/reading/secret-lookup';
import { SecretsService } from '../service/secrets.service';
import { StoreWatch } from '../service/start/store-watch';
import { TypedSecrets } from '../typed/typed-secrets';
import { VirtualKeysService } from '../virtual-keys/virtual-keys.service';

/** The services over one manager. */
export interface Registration {
  readonly secrets: SecretsService;
  readonly typed: TypedSecrets;
  readonly virtualKeys: VirtualKeysService;
  readonly lifecycle: Lifecycle;
  readonly fleet: Fleet | undefined;
}

/**
 * Returns the providers of a registration: the team's manager, and the services over its pipeline. The start
 * fails with a `problem` of the binding.
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
    scopeGuard(manager, binding),
    {
      provide: registration,
      inject: [manager, SECRET_MANAGER_OPTIONS, ModulesContainer, ModuleRef],
      useFactory: async (
        instance: CustomSecretManager,
        options: HeldOptions,
        modules: ModulesContainer,
        module: ModuleRef,
      ) => {
        assertMadeOnce(module, manager, binding);
        const assertRegistered = () => assertOnlyOne(modules, name);
        const given = options.open();
        const made = await start(instance, given, isOwned(binding), assertRegistered, name);
        addLifecycleHooks(made, modules, name);
        return made;
      },
    },
  ];
}

/**
 * Adds the lifecycle hooks to Nest's own first module. Nest calls no hook of a module that is loaded lazily.
 */
function addLifecycleHooks(
  registration: Registration,
  modules: ModulesContainer,
  name: string | undefined,
): void {
  const { lifecycle } = registration;
  const [first] = modules.values();
  first?.addProvider({
    provide: Symbol('SecretManager lifecycle'),
    useValue: {
      onApplicationBootstrap: async () => {
        try {
          assertOneKeyPerFleet(modules);
          subscribeListeners(modules, registration, name);
          lifecycle.markStarted();
        } catch (error) {
          await lifecycle.closeUnlessStarted();
          throw error;
        }
      },
      onApplicationShutdown: () => lifecycle.close(),
    },
  });
}

/**
 * Checks the manager and the options, composes the policies, then runs `validateEnvironment` and `preload`. The
 * injected services are therefore ready for use.
 */
async function start(
  manager: CustomSecretManager,
  given: SecretManagerModuleOptions,
  closesManager: boolean,
  assertRegistered: () => void,
  name: string | undefined,
): Promise<Registration> {
  assertIsManager(manager);
  let close = (): Promise<void> =>
    new DeadlinePolicy(new BoundaryPolicy(manager, { closesManager })).close();
  try {
    assertRegistered();
    const options = resolveOptions(given, manager);
    const logger = new Logger('SecretManager');
    const pipeline = compose(manager, pipelineOptions(options, manager, closesManager, logger));
    const warn = (message: string): void => logger.warn(message);
    const lookup = new SecretLookup(pipeline, options, warn);
    const handles = new SecretHandles(pipeline, lookup, warn);
    const typed = new TypedSecrets(pipeline, lookup, handles, {
      primarySecretName: options.settings.primarySecretName,
      debug: options.debug,
      warn,
    });
    const fleet = createFleet(options, pipeline, name, warn);
    const watch = new StoreWatch(manager, {
      onChange: (secretName, isAnnounced) => pipeline.report(secretName, 'watch', isAnnounced),
      warn,
    });
    const companions = fleet ? [watch, fleet] : [watch];
    const check = new RegistrationCheck(manager, options);
    const lifecycle = new Lifecycle(pipeline, options, lookup, warn, check, companions);
    close = () => lifecycle.close();
    warnAbout(options, manager, logger);
    check.assert();
    await pipeline.outermost.validateEnvironment();
    await fleet?.start();
    watch.start();
    await lifecycle.preload();
    const fleetStatus = fleet && (() => fleet.status);
    return {
      secrets: new SecretsService(pipeline, options, warn, { lookup, handles, typed, fleetStatus }),
      typed,
      virtualKeys: new VirtualKeysService(pipeline, options),
      lifecycle,
      fleet,
    };
  } catch (error) {
    await close().catch(() => undefined); // the failure of the start takes precedence
    throw error;
  }
}

function pipelineOptions(
  options: ResolvedOptions,
  { secretManagerName }: CustomSecretManager,
  closesManager: boolean,
  logger: Logger,
): Parameters<typeof compose>[1] {
  const report = (event: keyof typeof EVENTS, error?: unknown): void => {
    const code = isSecretManagerError(error) ? error.code : 'UNKNOWN';
    logger.warn(`${secretManagerName}: ${EVENTS[event].replace('{code}', code)}`);
  };
  return {
    ...options,
    primarySecretName: options.settings.primarySecretName,
    closesManager,
    cache: options.cache && { ...options.cache, onStateChange: report },
    circuitBreaker: options.circuitBreaker && { ...options.circuitBreaker, onStateChange: report },
  };
}

const EVENTS = {
  stale: 'a refresh failed with {code}; cached secrets are served until they are too old.',
  recovered: 'refreshes succeed again; cached secrets are fresh.',
  open: 'the store failed repeatedly; it is asked again by itself in a while (circuit open).',
  closed: 'the store answers again (circuit closed).',
} as const;

function warnAbout(
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

/** Throws `MISCONFIGURED` if a name is registered twice. Nest would silently inject the last registration. */
function assertOnlyOne(modules: ModulesContainer, name = DEFAULT_MANAGER): void {
  const count = registeredNames(modules.values()).filter((one) => one === name).length;
  if (count === 1) return;
  throw misconfigured(
    'forRoot',
    `SecretManagerModule is registered ${count} times with the name ${quoteName(name)}. Register it once, in the root module ` +
      'with `isGlobal: true`, or give each manager a `name` of its own.',
  );
}

function assertIsManager(candidate: unknown): void {
  const problem = managerProblem(candidate);
  if (problem !== undefined) throw registrationError(problem);
}

function managerProblem(candidate: unknown): string | undefined {
  if (!isCustomSecretManager(candidate)) {
    return `the manager must be an instance of a class that extends CustomSecretManager, and is ${kindOf(candidate)}. Look at what provides it`;
  }
  const { secretManagerName, readSecret } = candidate as Partial<CustomSecretManager>;
  if (typeof secretManagerName !== 'string') {
    return circleProblem(candidate); // by forwardRef, so that it is not constructed yet
  }
  return typeof readSecret === 'function'
    ? undefined
    : `${secretManagerName} does not implement readSecret()`;
}
