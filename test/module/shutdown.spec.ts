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
  VirtualKeysService,
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

async function manyOf(secrets: SecretsService, name: string, options?: object): Promise<void> {
  const outcome = (await secrets.getMany([name], options)).get(name);
  if (outcome && 'error' in outcome) throw outcome.error;
}

describe('the shutdown of an application', () => {
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
    ['closes the manager of useFactory', 1, (manager) => ({ useFactory: () => manager })],
    ['does not close the manager of useValue', 0, (manager) => ({ useValue: manager })],
    ['does not close the manager of useExisting', 0, () => ({ useExisting: Closing })],
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
    ['does not close a manager of somebody else', 0, (manager) => ({ useValue: manager })],
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

  it('closes the manager if a feature prevents the start', async () => {
    const store = new Closing();
    store.readSecret = async () => undefined as never;
    const root = SecretManagerModule.forRoot({
      manager: { useFactory: () => store },
      environment: {},
    });

    await failureOf(startApplication({ imports: [root, SecretManagerModule.forFeature(['A'])] }));

    expect(store.closed).toBe(1);
  });

  it('waits five seconds for a manager that hangs, and warns', async () => {
    const manager = new Closing(() => new Promise(() => undefined));
    const { app, log } = await startWith(manager);
    jest.useFakeTimers();

    const end = app.close();
    await jest.advanceTimersByTimeAsync(5_001);

    await expect(end).resolves.toBeUndefined();
    expect(log.warnings.join()).toMatch(/closing did not close in order \(TIMEOUT\)/);
  });

  it('continues if the manager throws, and does not log its text', async () => {
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

  it.each<[string, (secrets: SecretsService, keys: VirtualKeysService) => unknown]>([
    ['get', (secrets) => secrets.get('KEY')],
    ['get of a cached secret', (secrets) => secrets.get('CACHED')],
    ['getSync', (secrets) => secrets.getSync('CACHED')],
    ['get with options', (secrets) => secrets.get('CACHED', { default: 'x', maxAgeMs: 0 })],
    ['get of a name that is not hosted', (secrets) => secrets.get('OTHER')],
    ['get with any fallback', (secrets) => secrets.get('CACHED', { fallback: 'on-any-failure' })],
    ['getOrThrow', (secrets) => secrets.getOrThrow('CACHED')],
    ['getBoolean', (secrets) => secrets.getBoolean('CACHED')],
    ['getSync with options', (secrets) => secrets.getSync('OTHER', { default: 'x' })],
    ['getMany', (secrets) => manyOf(secrets, 'CACHED')],
    ['getMany of a name that is not hosted', (secrets) => manyOf(secrets, 'OTHER')],
    ['getMany with params', (secrets) => manyOf(secrets, 'KEY', { params: { version: 1 } })],
    ['a handle', (secrets) => secrets.secret('CACHED').reveal()],
    ['get of a handle', (secrets) => secrets.secret('CACHED').get()],
    ['set', (secrets) => secrets.set('KEY', 'value')],
    ['delete', (secrets) => secrets.delete('KEY')],
    ['rotate', (secrets) => secrets.rotate('KEY', { value: 'next' })],
    ['checkHealth', (secrets) => secrets.checkHealth()],
    ['rename', (secrets) => secrets.rotate('KEY', { name: 'NEXT', value: 'next' })],
    ['checkHealth with a deadline', (secrets) => secrets.checkHealth({ timeoutMs: 50 })],
    ['refresh', (secrets) => secrets.refresh('CACHED')],
    ['refresh of all', (secrets) => secrets.refresh()],
    ['refresh of a name that is not hosted', (secrets) => secrets.refresh('OTHER')],
    ['create of a virtual key', (_, keys) => keys.create({ id: '1' })],
    ['verify of a virtual key', (_, keys) => keys.verify({ id: '1' }, 'sk-1')],
    ['rotate of a virtual key', (_, keys) => keys.rotate({ id: '1' })],
    ['rename of a virtual key', (_, keys) => keys.rename({ id: '1' }, { alias: 'a' })],
    ['delete of virtual keys', (_, keys) => keys.delete([{ id: '1' }])],
  ])(
    'makes %s fail with UNAVAILABLE from then on, without a call to the manager',
    async (_, call) => {
      const store = new InMemorySecretManager({ KEY: 'value', CACHED: 'value' });
      const { app, secrets } = await startWith(store, {
        settings: {
          accessMode: 'read_and_write',
          storeVirtualKeys: true,
          hostedKeys: ['KEY', 'CACHED', 'NEXT'],
        },
        environment: { CACHED: 'environment', KEY: 'environment', OTHER: 'environment' },
      });
      await secrets.get('CACHED');
      const keys = app.get(VirtualKeysService);
      const asked = store.calls.length;

      await app.close();
      const error = await failureOf(() => call(secrets, keys));

      expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: false });
      expect(error.message).toContain('was closed');
      expect(store.calls).toHaveLength(asked);
    },
  );

  it('makes calls fail in the same way if the circuit was open', async () => {
    const store = new InMemorySecretManager();
    store.fail();
    const { app, secrets } = await startWith(store, {
      retry: false,
      circuitBreaker: { failureThreshold: 1 },
    });
    await failureOf(secrets.get('KEY'));

    await app.close();
    const errors = [await failureOf(secrets.get('KEY')), await failureOf(secrets.checkHealth())];

    expect(errors.map(({ code, retryable }) => [code, retryable])).toEqual([
      ['UNAVAILABLE', false],
      ['UNAVAILABLE', false],
    ]);
  });

  it('still answers while the application finishes its work', async () => {
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

  it('does not keep the process alive with a timer', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    jest.useFakeTimers();
    const { app, secrets } = await startWith(store, { preload: ['KEY'] });
    await secrets.get('KEY');

    await app.close();

    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not close the managers of another application', async () => {
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
