import { ConsoleLogger, Controller, Get, type INestApplication } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  SecretManagerModule,
  SecretsService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import request from 'supertest';
import type { App } from 'supertest/types';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { Logins } from './support/logins';
import { startOpenBao, type OpenBao } from './support/openbao';
import { Proxy } from './support/proxy';
import { vaultOn } from './support/vault';
import { VAULT_FAULTS, repeating } from './support/vault-faults';

const VALUE = 'sk-proj-canary/of+the=value';
const PASSWORD = 'p4ss~word-canary!of-the-login';

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
    const parts = [this.secrets, this.secrets.inspect(), this.secrets.secret('KEY')];
    return inspect(parts, { depth: 9, showHidden: true });
  }

  @Get('health')
  check(): unknown {
    return this.health.check([() => this.indicator.isHealthy('secrets', { timeoutMs: 200 })]);
  }
}

describe('a secret of OpenBao, a token and a password', () => {
  let bao: OpenBao;
  let proxy: Proxy;
  let app: INestApplication;
  let output: string[];

  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.permit('app', { 'secret/*': ['create', 'read', 'update', 'delete'] });
    await bao.put('KEY', VALUE);
  });

  afterAll(() => bao.stop());

  beforeEach(async () => {
    output = [];
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0);
    }
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      jest.spyOn(console, method).mockImplementation((...parts) => {
        output.push(inspect(parts, { depth: 9 }));
      });
    }
    proxy = new Proxy(bao.address);
    await proxy.start();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
    await proxy.stop();
  });

  const start = async (options: SecretManagerModuleOptions = {}): Promise<App> => {
    const username = randomUUID();
    await new Logins(bao).user(username, PASSWORD, { policies: ['app'] });
    const auth = { method: 'userpass', username, password: PASSWORD } as const;
    const manager = vaultOn(bao, { address: proxy.address, auth });
    const module = await Test.createTestingModule({
      imports: [
        TerminusModule,
        SecretManagerModule.forRoot({
          manager: { useFactory: () => manager },
          settings: { accessMode: 'read_and_write' },
          cache: false,
          attemptTimeoutMs: 500,
          retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 1 },
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
  };

  /** Runs every operation, and resolves to everything that is visible from outside. */
  const everything = async (server: App): Promise<string> => {
    const secrets = app.get(SecretsService);
    const answers = [
      await request(server).get('/secret'),
      await request(server).get('/health'),
      await request(server).get('/inspect'),
    ];
    const timeoutMs = 200;
    const outcomes: unknown[] = await Promise.allSettled([
      secrets.get('KEY', { timeoutMs }),
      secrets.set('NEW', VALUE, { timeoutMs, description: VALUE, createOnly: true }),
      secrets.rotate('KEY', { value: VALUE }, { timeoutMs }),
      secrets.delete('NEW', { timeoutMs }),
      secrets.getBoolean('KEY', { timeoutMs }),
    ]);
    const failures = outcomes.filter(
      (outcome) => (outcome as { status: string }).status === 'rejected',
    );
    return [
      ...answers.map(({ text, headers }) => text + JSON.stringify(headers)),
      ...failures.map(everythingOf),
      inspect(app.get(SecretsService), { depth: 9, showHidden: true }),
      ...output,
    ].join('\n');
  };

  const leaking = (text: string, canaries: readonly string[]): readonly string[] =>
    canaries.filter((canary) => leaks(text, canary));

  describe.each(VAULT_FAULTS)('leak nowhere when the server breaks with %s', (_, fault) => {
    const fail = (): void => {
      proxy.instead = (received) => {
        const reply = fault(repeating(received, VALUE));
        return reply ?? (() => undefined); // the server hangs
      };
    };

    it('while the manager logs in', async () => {
      const server = await start();
      fail();

      const seen = await everything(server);

      expect(seen).toContain('SecretManagerError');
      expect(JSON.stringify(proxy.received)).toContain(PASSWORD); // the server had a text that it could repeat
      expect(leaking(seen, [VALUE, PASSWORD])).toEqual([]);
    });

    it('after the manager has a token', async () => {
      const server = await start();
      await app.get(SecretsService).get('KEY');
      const { token } = proxy;
      fail();

      const seen = await everything(server);

      expect(seen).toContain('SecretManagerError');
      expect(leaking(seen, [VALUE, PASSWORD, token])).toEqual([]);
    });
  });

  it('leak nowhere while all is well, not even from the manager itself', async () => {
    const server = await start({ cache: {}, preload: ['KEY'] });

    const answers = [
      await request(server).get('/secret').expect(200, String(VALUE.length)),
      await request(server).get('/inspect').expect(200),
      await request(server).get('/health').expect(200),
    ];

    const container = inspect(app, { depth: 9, showHidden: true });
    const seen = [...answers.map(({ text }) => text), ...output, container].join('\n');
    expect(leaking(seen, [VALUE, PASSWORD, proxy.token])).toEqual([]);
  });

  it('leak nowhere when the application cannot start', async () => {
    app = await Test.createTestingModule({})
      .compile()
      .then((module) => module.createNestApplication());
    proxy.instead = (received) => ({
      status: 403,
      content: { errors: [repeating(received, VALUE)] },
    });

    const failure = await failureOf(start({ preload: ['KEY'] }));

    const seen = [everythingOf(failure), ...output].join('\n');
    expect(failure.code).toBe('UNAUTHENTICATED');
    expect(leaking(seen, [VALUE, PASSWORD])).toEqual([]);
  });

  it.each([
    ['password', PASSWORD],
    ['value', VALUE],
  ])('would be found by this test: the %s', async (_, canary) => {
    await start();
    const received = { headers: {}, body: PASSWORD } as never;

    console.error(new Error(repeating(received, VALUE)));

    expect(leaking(output.join('\n'), [canary])).toEqual([canary]);
  });
});
