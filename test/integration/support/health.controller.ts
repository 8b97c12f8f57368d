import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicator: SecretManagerHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicator.isHealthy('secrets')]);
  }

  /** Liveness, which does not ask the store. */
  @Get('live')
  live(): { status: string } {
    return { status: 'ok' };
  }
}
