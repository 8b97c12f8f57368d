import { ConsoleLogger, Controller, Get, type INestApplication } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  SecretManagerModule,
  SecretsService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { inspect } from 'node:util';
import request from 'supertest';
import type { App } from 'supertest/types';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { FAULTS, FaultStore } from '../support/fault-store';
import { HttpSecretManager } from '../support/http.secret-manager';

/** The canaries in the forms of a real store. The token looks like an identifier. */
const CANARIES = {
  value: 'sk-proj-canary/of+the=value',
  token: 'ghp_16C7e42F292c6912E7710c838347',
  password: 'p4ss~word-canary!of-the-address',
};

function leaking(text: string): string[] {
  return Object.values(CANARIES).filter((canary) => leaks(text, canary));
}

@Controller()
class Everything {
  constructor(
    private readonly secrets: SecretsService,
    private readonly health: HealthCheckService,
    private readonly indicator: SecretManagerHealthIndicator,
  ) {}

  @Get('secret')
  async secret(): Promise<number | undefined> {
    return (await this.secrets.get('KEY'))?.length;
  }

  @Get('inspect')
  inspect(): string {
    return inspect([this.secrets, this.secrets.inspect(), this.secrets.secret('KEY')], {
      depth: 9,
      showHidden: true,
    });
  }

  @Get('health')
  check(): unknown {
    return this.health.check([() => this.indicator.isHealthy('secrets', { timeoutMs: 200 })]);
  }
}

describe('a secret, a token and a password', () => {
  let store: FaultStore;
  let app: INestApplication;
  let output: string[];

  async function start(options: SecretManagerModuleOptions = {}): Promise<App> {
    const { token, password } = CANARIES;
    const manager = new HttpSecretManager(store, { token, password });
    const module = await Test.createTestingModule({
      imports: [
        TerminusModule,
        SecretManagerModule.forRoot({
          manager: { useFactory: () => manager },
          attemptTimeoutMs: 150,
          retry: { baseDelayMs: 1, maxDelayMs: 1 },
          environment: {},
          ...options,
        }),
      ],
      controllers: [Everything],
      providers: [SecretManagerHealthIndicator],
    })
      .setLogger(
        new ConsoleLogger({ logLevels: ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] }),
      )
      .compile();
    app = module.createNestApplication();
    await app.init();
    return app.getHttpServer() as App;
  }

  beforeEach(async () => {
    output = [];
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0);
    }
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      jest
        .spyOn(console, method)
        .mockImplementation((...parts) => void output.push(inspect(parts, { depth: 9 })));
    }
    store = await new FaultStore().start();
    store.secrets.set('KEY', CANARIES.value);
  });
  afterEach(async () => {
    await app.close();
    await store.stop();
    jest.restoreAllMocks();
  });

  it.each(FAULTS)('leak nowhere when the store breaks with %s', async (fault) => {
    const server = await start();
    const secrets = app.get(SecretsService);
    store.fail(fault);

    const answers = [
      await request(server).get('/secret'),
      await request(server).get('/health'),
      await request(server).get('/inspect'),
    ];
    const error = await failureOf(secrets.get('KEY', { timeoutMs: 200 }));
    const many = await secrets.getMany(['KEY'], { timeoutMs: 200 });
    await app.close();

    expect(answers.map(({ status }) => status)).toEqual([500, 503, 200]);
    const seen = [
      ...answers.map(({ text, headers }) => text + JSON.stringify(headers)),
      everythingOf(error),
      String(error.stack),
      inspect(many, { depth: 9, showHidden: true }),
      ...output,
    ];
    expect(leaking(seen.join('\n'))).toEqual([]);
    expect(output.join('')).toContain(error.code);
  });

  it('leak nowhere while all is well and a value is cached', async () => {
    const server = await start({ preload: ['KEY'] });

    const answers = [
      await request(server).get('/secret').expect(200, String(CANARIES.value.length)),
      await request(server).get('/inspect').expect(200),
      await request(server).get('/health').expect(200),
    ];
    await app.close();

    const container = inspect(app, { depth: 9, showHidden: true });
    expect(leaking([...answers.map(({ text }) => text), ...output].join('\n'))).toEqual([]);
    expect(leaks(container, CANARIES.value)).toBe(false);
  });

  it('leak nowhere when the application cannot start', async () => {
    store.fail('403');

    const error = await failureOf(start({ preload: ['KEY'] }));

    expect(error.code).toBe('ACCESS_DENIED');
    expect(leaking([everythingOf(error), ...output].join('\n'))).toEqual([]);
  });

  it.each(['token', 'password', 'value'] as const)(
    'would be found by this test: the %s',
    async (which) => {
      const server = await start({ debug: (original) => console.error(original) });
      store.fail('503');

      await request(server).get('/secret').expect(500);

      expect(leaking(output.join('\n'))).toContain(CANARIES[which]);
    },
  );
});
