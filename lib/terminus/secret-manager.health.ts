import { Injectable } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import {
  SecretManagerError,
  isSecretManagerError,
  type SecretManagerErrorCode,
} from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { getRegistrationToken, registeredNames } from '../secret-manager.tokens';
import type { SecretsService } from '../service/secrets.service';

export interface IsHealthyOptions {
  /** The time that the store has to answer, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
  /** The name of the manager, if several are registered by name. */
  readonly managerName?: string;
}

/**
 * Tells Terminus whether the store can serve. The report is public: it holds states, counts, ages and codes. It never
 * holds the name of a secret, an address or the text of an error. Use it for readiness, not for liveness: a process
 * is not dead because its store is down.
 */
@Injectable()
export class SecretManagerHealthIndicator {
  readonly #healthToken: typeof HealthIndicatorService;
  readonly #moduleRef: ModuleRef;
  readonly #modules: ModulesContainer;

  /** @internal Throws `MISCONFIGURED` where TerminusModule is not imported. */
  constructor(moduleRef: ModuleRef, modules: ModulesContainer) {
    const token = healthTokenOf([...modules.values()]);
    if (token === undefined) throw noTerminus();
    this.#healthToken = token;
    this.#moduleRef = moduleRef;
    this.#modules = modules;
  }

  /**
   * Resolves to `up`, or to `down` with a `code`. Never rejects, because a rejection would be a status 500. If the
   * manager is not registered, the `message` names the registered ones.
   */
  async isHealthy(
    key: string,
    { timeoutMs, managerName }: IsHealthyOptions = {},
  ): Promise<HealthIndicatorResult> {
    const health = this.#moduleRef.get(this.#healthToken, { strict: false });
    const indicator = health.check(key);
    const startedAt = performance.now();
    const found = this.find(managerName);
    if (found === undefined) {
      const message = notRegistered(key, managerName, registeredNames(this.#modules.values()));
      return indicator.down({ code: 'MISCONFIGURED', message });
    }
    const code = await failureOf(found, timeoutMs);
    const latencyMs = Math.round(performance.now() - startedAt);
    const details = { ...describe(found), latencyMs };
    return code === undefined ? indicator.up(details) : indicator.down({ ...details, code });
  }

  private find(managerName: string | undefined): SecretsService | undefined {
    try {
      const token = getRegistrationToken(managerName); // a string, the same in every copy of this package
      return this.#moduleRef.get<{ secrets: SecretsService }>(token, { strict: false }).secrets;
    } catch {
      return undefined; // no such manager is registered
    }
  }
}

interface Module {
  readonly name: string;
  readonly providers: ReadonlyMap<unknown, unknown>;
}

/**
 * Returns the class of Terminus that an application provides, if it imports TerminusModule. In a bundle it is the imported
 * class, whose name may be shortened. In Node the import is a stand-in (`lib/peers/terminus.ts`), and the name decides.
 */
function healthTokenOf(modules: readonly Module[]): typeof HealthIndicatorService | undefined {
  if (modules.some(({ providers }) => providers.has(HealthIndicatorService)))
    return HealthIndicatorService;
  return modules
    .filter(({ name }) => name === 'TerminusModule')
    .flatMap(({ providers }) => [...providers.keys()])
    .find(isHealthIndicatorService);
}

function isHealthIndicatorService(token: unknown): token is typeof HealthIndicatorService {
  return typeof token === 'function' && token.name === 'HealthIndicatorService';
}

async function failureOf(
  secrets: SecretsService,
  timeoutMs: number | undefined,
): Promise<SecretManagerErrorCode | undefined> {
  try {
    return (await secrets.checkHealth({ timeoutMs })) ? undefined : 'UNAVAILABLE';
  } catch (error) {
    return isSecretManagerError(error) ? error.code : 'UNKNOWN';
  }
}

function describe(secrets: SecretsService): Record<string, unknown> {
  const cached = secrets.inspect();
  const counts = { fresh: 0, stale: 0, absent: 0 };
  let oldestAgeMs = 0;
  for (const { state, ageMs } of cached) {
    counts[state] += 1;
    oldestAgeMs = Math.max(oldestAgeMs, ageMs);
  }
  const { managerName: manager, circuitState: circuit, rejectedVersions: rejected } = secrets;
  const { fleet } = secrets;
  const inFleet = fleet.state === 'off' ? {} : { fleet };
  return { manager, circuit, secrets: counts, rejected, oldestAgeMs, ...inFleet };
}

function notRegistered(
  key: string,
  managerName: string | undefined,
  registered: readonly string[],
): string {
  const [first] = registered;
  if (first === undefined) {
    return 'No manager is registered. Import SecretManagerModule.forRoot() in the root module.';
  }
  const which =
    managerName === undefined ? 'without a name' : `with the name ${quoteName(managerName)}`;
  const names = registered.map(quoteName).join(', ');
  return (
    `No manager is registered ${which}; registered are ${names}. Say which one is meant: ` +
    `isHealthy(${quoteName(key)}, { managerName: ${quoteName(first)} }).`
  );
}

function noTerminus(): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    'SecretManagerHealthIndicator needs @nestjs/terminus. Import TerminusModule in the module whose `providers` list it.',
    { manager: 'unknown', operation: 'isHealthy' },
  );
}
