import { Controller, Get, Query } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  CustomSecretManager,
  SecretManagerModule,
  SecretsService,
  type OperationOptions,
  type SecretManagerModuleRootOptions,
} from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import {
  InMemoryBus,
  InMemorySecretManager,
  InMemoryTransport,
} from 'nestjs-custom-secret-manager/testing';
import request from 'supertest';
import type { App } from 'supertest/types';
import { CapturedLog, closeApplications, closeLater } from '../support/application';

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly secrets: SecretManagerHealthIndicator,
  ) {}

  @Get('health')
  @HealthCheck()
  ready(@Query('manager') managerName?: string): unknown {
    return this.health.check([
      () => this.secrets.isHealthy('secrets', { timeoutMs: 100, managerName }),
    ]);
  }

  @Get('live')
  @HealthCheck()
  alive(): unknown {
    return this.health.check([]);
  }
}

class Store extends CustomSecretManager {
  checks: (OperationOptions | undefined)[] = [];

  constructor(private readonly check: () => Promise<boolean> | boolean) {
    super('store');
  }
  override async readSecret(): Promise<string> {
    return 'hvs.canary-value';
  }
  override checkHealth(options?: OperationOptions): Promise<boolean> {
    this.checks.push(options);
    return this.check() as Promise<boolean>;
  }
}

async function serve(
  manager: CustomSecretManager,
  options: Partial<SecretManagerModuleRootOptions> = {},
  ...others: SecretManagerModuleRootOptions[]
): Promise<{ server: App; secrets: SecretsService; log: CapturedLog }> {
  const log = new CapturedLog();
  const root = { manager: { useFactory: () => manager }, environment: {}, ...options };
  const module = await Test.createTestingModule({
    imports: [TerminusModule, ...[root, ...others].map((one) => SecretManagerModule.forRoot(one))],
    controllers: [HealthController],
    providers: [SecretManagerHealthIndicator],
  })
    .setLogger(log)
    .compile();
  const app = closeLater(await module.createNestApplication().init());
  return {
    server: app.getHttpServer() as App,
    secrets: app.get(SecretsService, { strict: false }),
    log,
  };
}

const FIELDS = ['circuit', 'latencyMs', 'manager', 'oldestAgeMs', 'rejected', 'secrets', 'status'];

describe('/health', () => {
  afterEach(closeApplications);

  it('is up while the store can serve, and shows only counts and ages', async () => {
    const store = new InMemorySecretManager({ PAYMENT_KEY: 'hvs.canary-value', OTHER_KEY: 'x' });
    const { server, secrets } = await serve(store, { preload: ['PAYMENT_KEY', 'OTHER_KEY'] });
    await secrets.get('ABSENT_KEY');

    const { body, text } = await request(server).get('/health').expect(200);

    expect(body).toMatchObject({ status: 'ok', error: {} });
    expect(Object.keys(body.info.secrets as object).sort()).toEqual(FIELDS);
    expect(body.info.secrets).toEqual({
      status: 'up',
      manager: 'in-memory',
      circuit: 'closed',
      secrets: { fresh: 2, stale: 0, absent: 1 },
      rejected: 0,
      oldestAgeMs: expect.any(Number),
      latencyMs: expect.any(Number),
    });
    expect(text).not.toMatch(/PAYMENT_KEY|OTHER_KEY|ABSENT_KEY|hvs\./);
  });

  it.each<[string, () => Promise<boolean> | boolean, string]>([
    ['answers false', async () => false, 'UNAVAILABLE'],
    ['answers no boolean', async () => 'hvs.canary' as never, 'MALFORMED'],
    ['answers nothing', () => undefined as never, 'MALFORMED'],
    [
      'rejects',
      () => Promise.reject(Object.assign(new Error('hvs.canary'), { status: 401 })),
      'UNAUTHENTICATED',
    ],
    [
      'throws',
      () => {
        throw new Error('hvs.canary');
      },
      'UNKNOWN',
    ],
    [
      'throws a string',
      () => {
        throw 'hvs.canary' as unknown as Error;
      },
      'UNKNOWN',
    ],
    ['hangs', () => new Promise(() => undefined), 'TIMEOUT'],
  ])('is down with a code if the manager %s', async (_, check, code) => {
    const { server, log } = await serve(new Store(check));

    const { body, text } = await request(server).get('/health').expect(503);

    expect(body).toMatchObject({
      status: 'error',
      info: {},
      error: { secrets: { status: 'down', code } },
    });
    expect(Object.keys(body.error.secrets as object).sort()).toEqual([
      'circuit',
      'code',
      ...FIELDS.slice(1),
    ]);
    expect(text + log.lines.join()).not.toContain('hvs.canary');
  });

  it('shows the state in the fleet, and is up while the instance is cut off', async () => {
    const transport = new InMemoryTransport(new InMemoryBus());
    const store = new InMemorySecretManager();
    const { server } = await serve(store, {
      fleet: { transport, key: 'hvs.canary-key-of-the-fleet' },
    });
    const connected = await request(server).get('/health').expect(200);

    transport.cut();
    const { body, text } = await request(server).get('/health').expect(200);

    expect(connected.body).toMatchObject({ info: { secrets: { fleet: { state: 'connected' } } } });
    expect(body).toMatchObject({
      status: 'ok',
      info: {
        secrets: {
          status: 'up',
          fleet: { state: 'cut', received: 0, refused: 0, published: 0, pending: 0 },
        },
      },
    });
    expect(text).not.toContain('canary');
  });

  it('passes the timeout of the check to the manager, and aborts its signal after it', async () => {
    const store = new Store(() => new Promise(() => undefined));
    const { server } = await serve(store);

    await request(server).get('/health').expect(503);

    expect(store.checks).toHaveLength(1);
    expect(store.checks[0]?.signal?.aborted).toBe(true);
    expect(store.checks[0]?.timeoutMs).toBeLessThanOrEqual(100);
  });

  it('shares one check among concurrent requests', async () => {
    let answer: (isHealthy: boolean) => void = () => undefined;
    const store = new Store(() => new Promise((resolve) => (answer = resolve)));
    const { secrets } = await serve(store);

    const checks = [
      secrets.checkHealth(),
      secrets.checkHealth(),
      secrets.checkHealth({ timeoutMs: 5_000 }),
    ];
    await Promise.resolve();
    answer(true);

    await expect(Promise.all(checks)).resolves.toEqual([true, true, true]);
    expect(store.checks).toHaveLength(1);
  });

  it('bypasses the circuit, and is not retried', async () => {
    const store = new InMemorySecretManager();
    const { server, secrets } = await serve(store, {
      circuitBreaker: { failureThreshold: 1 },
      retry: false,
    });
    store.fail('unavailable', { times: 2 });
    await expect(secrets.get('KEY')).rejects.toMatchObject({ code: 'UNAVAILABLE' });

    const down = await request(server).get('/health').expect(503);
    const up = await request(server).get('/health').expect(200);

    expect(down.body.error.secrets).toMatchObject({ code: 'UNAVAILABLE', circuit: 'open' });
    expect(up.body.info.secrets).toMatchObject({ status: 'up', circuit: 'open' });
  });

  it('reports a manager by its name', async () => {
    const billing = new InMemorySecretManager({}, 'billing-store');
    const { server } = await serve(
      new Store(async () => false),
      {},
      { name: 'billing', manager: { useFactory: () => billing } },
    );

    const { body } = await request(server).get('/health?manager=billing').expect(200);

    expect(body.info.secrets.manager).toBe('billing-store');
  });

  it('is down, without a server error, for an unregistered manager', async () => {
    const { server } = await serve(new InMemorySecretManager());

    const { body } = await request(server).get('/health?manager=nobody').expect(503);

    expect(body.error.secrets).toEqual({
      status: 'down',
      code: 'MISCONFIGURED',
      message: expect.stringContaining('registered are "default"'),
    });
  });

  it('is independent of the liveness of the process', async () => {
    const { server } = await serve(new Store(async () => false));

    await request(server).get('/health').expect(503);
    const { body } = await request(server).get('/live').expect(200);

    expect(body.status).toBe('ok');
  });
});
