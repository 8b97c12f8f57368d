import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { isSecretManagerError, type SecretManagerErrorCode } from '../core/secret-manager.error';
import { getSecretsServiceToken } from '../secret-manager.constants';
import type { SecretsService } from '../secrets.service';

export interface IsHealthyOptions {
  /** How long the store may take to answer, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number;
  /** Which manager, where several are registered by name. */
  readonly managerName?: string;
}

/**
 * Tells Terminus whether the store can serve. What it reports goes to whoever asks: states, counts, ages and codes, never a
 * name of a secret, an address or the text of an error. Ask it for readiness, not for liveness: a process is not dead
 * because its store is.
 */
@Injectable()
export class SecretManagerHealthIndicator {
  readonly #health: HealthIndicatorService;
  readonly #moduleRef: ModuleRef;

  constructor(health: HealthIndicatorService, moduleRef: ModuleRef) {
    this.#health = health;
    this.#moduleRef = moduleRef;
  }

  /** Resolves to `up`, or to `down` with a `code`; it does not reject, because that would be a status 500. */
  async isHealthy(
    key: string,
    { timeoutMs, managerName }: IsHealthyOptions = {},
  ): Promise<HealthIndicatorResult> {
    const indicator = this.#health.check(key);
    const startedAt = performance.now();
    const found = this.find(managerName);
    if (found === undefined) return indicator.down({ code: 'MISCONFIGURED' });
    const code = await failureOf(found, timeoutMs);
    const latencyMs = Math.round(performance.now() - startedAt);
    const details = { ...describe(found), latencyMs };
    return code === undefined ? indicator.up(details) : indicator.down({ ...details, code });
  }

  private find(managerName: string | undefined): SecretsService | undefined {
    try {
      return this.#moduleRef.get<SecretsService>(getSecretsServiceToken(managerName), {
        strict: false,
      });
    } catch {
      return undefined; // no such manager is registered
    }
  }
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
  const held = secrets.inspect();
  const counts = { fresh: 0, stale: 0, absent: 0 };
  let oldestAgeMs = 0;
  for (const { state, ageMs } of held) {
    counts[state] += 1;
    oldestAgeMs = Math.max(oldestAgeMs, ageMs);
  }
  const { managerName: manager, circuitState: circuit } = secrets;
  return { manager, circuit, secrets: counts, oldestAgeMs };
}
