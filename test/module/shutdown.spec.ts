import {
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import {
  CustomSecretManager,
  SecretManagerModule,
  SecretsService,
  type ManagerBinding,
  type OperationOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import {
  CapturedLog,
  closeApplications,
  startApplication,
  startWith,
} from '../support/application';
import { failureOf } from '../support/failure-of';

class Closing extends CustomSecretManager {
  closed = 0;
  readonly signals: (AbortSignal | undefined)[] = [];

  constructor(private readonly whenClosed: () => void | Promise<void> = () => undefined) {
    super('closing');
  }
  override readSecret(_: string, options?: OperationOptions): Promise<string> {
    this.signals.push(options?.signal);
    return new Promise(() => undefined);
  }
  override close(): void | Promise<void> {
    this.closed += 1;
    return this.whenClosed();
  }
}

describe('the end of an application', () => {
  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
  });

  it('closes the manager, once', async () => {
    const manager = new Closing();
    const { app } = await startWith(manager);

    await app.close();
    await app.close();

    expect(manager.closed).toBe(1);
  });

  it.each<[string, number, (manager: Closing) => ManagerBinding]>([
    ['closes what useFactory made', 1, (manager) => ({ useFactory: () => manager })],
    ['does not close what useValue gave', 0, (manager) => ({ useValue: manager })],
    ['does not close what useExisting found', 0, () => ({ useExisting: Closing })],
  ])('%s', async (_, times, bindingOf) => {
    const manager = new Closing();
    @Module({ providers: [{ provide: Closing, useValue: manager }], exports: [Closing] })
    class Owner {}
    const root = SecretManagerModule.forRoot({ manager: bindingOf(manager), imports: [Owner] });
    const app = await startApplication({ imports: [root] });

    await app.close();

    expect(manager.closed).toBe(times);
  });

  it.each<[string, number, (manager: Closing) => ManagerBinding]>([
    ['closes the manager', 1, (manager) => ({ useFactory: () => manager })],
    ['leaves alone a manager of somebody else', 0, (manager) => ({ useValue: manager })],
  ])('%s after a start that failed', async (_, times, bindingOf) => {
    const wrong = new Closing();
    const missing = new Closing();
    missing.readSecret = async () => undefined as never;
    const start = (manager: Closing, options: object) =>
      startApplication({
        imports: [SecretManagerModule.forRoot({ manager: bindingOf(manager), ...options })],
      });

    const errors = [
      await failureOf(start(wrong, { timeoutMs: -1 })),
      await failureOf(start(missing, { preload: ['A'], environment: {} })),
    ];

    expect(errors.map(({ code }) => code)).toEqual(['MISCONFIGURED', 'NOT_FOUND']);
    expect([wrong.closed, missing.closed]).toEqual([times, times]);
  });

  it('closes the manager if a feature keeps the application from starting', async () => {
    const store = new Closing();
    store.readSecret = async () => undefined as never;
    const root = SecretManagerModule.forRoot({
      manager: { useFactory: () => store },
      environment: {},
    });

    await failureOf(startApplication({ imports: [root, SecretManagerModule.forFeature(['A'])] }));

    expect(store.closed).toBe(1);
  });

  it('gives a manager that hangs five seconds, and says so', async () => {
    const manager = new Closing(() => new Promise(() => undefined));
    const { app, log } = await startWith(manager);
    jest.useFakeTimers();

    const end = app.close();
    await jest.advanceTimersByTimeAsync(5_001);

    await expect(end).resolves.toBeUndefined();
    expect(log.warnings.join()).toMatch(/closing did not close in order \(TIMEOUT\)/);
  });

  it('goes on if the manager throws, and logs no text of it', async () => {
    const manager = new Closing(() => {
      throw new Error('token hvs.canary-at-close is revoked');
    });
    const { app, log } = await startWith(manager);

    await app.close();

    expect(log.warnings.join()).toMatch(/closing did not close in order \(UNKNOWN\)/);
    expect(log.lines.join()).not.toContain('hvs.canary');
  });

  it('ends the reads in flight with CANCELLED, and aborts their signals', async () => {
    const manager = new Closing();
    const { app, secrets } = await startWith(manager);
    const reads = [
      failureOf(secrets.get('A')),
      failureOf(secrets.get('B', { params: { version: 1 } })),
      failureOf(secrets.getOrThrow('C')),
    ];
    const many = secrets.getMany(['D']);
    await Promise.resolve();

    await app.close();

    const codes = (await Promise.all(reads)).map(({ code }) => code);
    expect(codes).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
    expect((await many).get('D')).toMatchObject({ error: { code: 'CANCELLED' } });
    expect(manager.signals).toHaveLength(4);
    expect(manager.signals.every((signal) => signal?.aborted)).toBe(true);
  });

  it.each<[string, (secrets: SecretsService) => unknown]>([
    ['get', (secrets) => secrets.get('KEY')],
    ['get of what was cached', (secrets) => secrets.get('CACHED')],
    ['getSync', (secrets) => secrets.getSync('CACHED')],
    ['a handle', (secrets) => secrets.secret('CACHED').reveal()],
    ['set', (secrets) => secrets.set('KEY', 'value')],
    ['delete', (secrets) => secrets.delete('KEY')],
    ['rotate', (secrets) => secrets.rotate('KEY', { value: 'next' })],
    ['checkHealth', (secrets) => secrets.checkHealth()],
    ['refresh', (secrets) => secrets.refresh('CACHED')],
  ])('lets %s fail with UNAVAILABLE from then on, without asking the manager', async (_, call) => {
    const store = new InMemorySecretManager({ KEY: 'value', CACHED: 'value' });
    const { app, secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });
    await secrets.get('CACHED');
    const asked = store.calls.length;

    await app.close();
    const error = await failureOf(() => call(secrets));

    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(store.calls).toHaveLength(asked);
  });

  it('still answers while the application finishes what it was doing', async () => {
    const answers: (string | undefined)[] = [];
    @Injectable()
    class Draining implements OnModuleDestroy, BeforeApplicationShutdown {
      constructor(private readonly secrets: SecretsService) {}
      async onModuleDestroy(): Promise<void> {
        answers.push(await this.secrets.get('A'));
      }
      async beforeApplicationShutdown(): Promise<void> {
        answers.push(await this.secrets.get('B'));
      }
    }
    const store = new InMemorySecretManager({ A: '1', B: '2' });
    const root = SecretManagerModule.forRoot({ manager: { useFactory: () => store } });
    const app = await startApplication({ imports: [root], providers: [Draining] });

    await app.close();

    expect(answers).toEqual(['1', '2']);
  });

  it('does not keep the process alive by a timer', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    jest.useFakeTimers();
    const { app, secrets } = await startWith(store, { preload: ['KEY'] });
    await secrets.get('KEY');

    await app.close();

    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves the managers of another application alone', async () => {
    const [first, second] = [new Closing(), new Closing()];
    const one = await startWith(first);
    await startApplication(
      { imports: [SecretManagerModule.forRoot({ manager: { useFactory: () => second } })] },
      new CapturedLog(),
    );

    await one.app.close();

    expect([first.closed, second.closed]).toEqual([1, 0]);
  });
});
