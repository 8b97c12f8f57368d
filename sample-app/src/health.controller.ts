import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly secretManager: SecretManagerHealthIndicator,
  ) {}

  /** Readiness: send no traffic here while the store is down. */
  @Get(['', 'readiness'])
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.secretManager.isHealthy('secrets', { timeoutMs: 2_000 })]);
  }

  /** Liveness: a restart does not mend a store, so the store is not asked. */
  @Get(['live', 'liveness', 'liveliness'])
  live(): { status: string } {
    return { status: 'ok' };
  }
}
