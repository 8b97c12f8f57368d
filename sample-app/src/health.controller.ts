import { Controller, Get, UseGuards } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { AllowedHostsGuard } from './http/allowed-hosts.guard';
import { StoreHealth } from './status/store-health';

@Controller('health')
@UseGuards(AllowedHostsGuard)
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly store: StoreHealth,
  ) {}

  /** Readiness: send no traffic here while the store is down. */
  @Get(['', 'readiness'])
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.store.check('secrets')]);
  }

  /** Liveness: the store is not asked, because a restart does not repair it. */
  @Get(['live', 'liveness', 'liveliness'])
  live(): { status: string } {
    return { status: 'ok' };
  }
}
