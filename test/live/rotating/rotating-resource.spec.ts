import { Injectable, Module, Scope, type INestApplicationContext } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import {
  SecretManagerModule,
  SecretsService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import {
  InjectRotating,
  rotatingResource,
  type Rotating,
  type RotatingResourceOptions,
  type SecretNames,
} from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager, rotatingOf } from 'nestjs-custom-secret-manager/testing';
import { CapturedLog, closeApplications, startApplication } from '../../support/application';
import { hurryTime } from '../../support/hurried-time';
import { failureOf } from '../../support/failure-of';

const CANARY = 'sk-canary-of-the-resource';
const REJECTED = Object.assign(new Error('rejected'), { status: 401 });

class Client {
  isOpen = true;
  constructor(readonly password: string) {}
}

/** Counts the clients, and lets a test break each step. */
class Clients {
  readonly made: Client[] = [];
  mostAlive = 0;
  onBuild: (client: Client) => unknown = () => undefined;
  onProbe: (client: Client) => unknown = () => undefined;
  onDispose: (client: Client) => unknown = () => undefined;

  get alive(): Client[] {
    return this.made.filter(({ isOpen }) => isOpen);
  }

  build = async (password: string): Promise<Client> => {
    const client = new Client(password);
    await this.onBuild(client);
    this.made.push(client);
    this.mostAlive = Math.max(this.mostAlive, this.alive.length);
    return client;
  };

  dispose = async (client: Client): Promise<void> => {
    expect(client.isOpen).toBe(true); // disposed of once
    client.isOpen = false;
    await this.onDispose(client);
  };
}

const untilTrue = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe('a rotating resource', () => {
  let store: InMemorySecretManager;
  let clients: Clients;
  let log: CapturedLog;
  let app: INestApplicationContext;

  beforeEach(() => {
    store = new InMemorySecretManager({ PASSWORD: 'first', USER: 'app' });
    clients = new Clients();
    log = new CapturedLog();
  });

  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
  });

  const start = async (
    options: Partial<RotatingResourceOptions<Client, SecretNames>> = {},
    module: SecretManagerModuleOptions = {},
  ): Promise<{ rotating: Rotating<Client>; secrets: SecretsService }> => {
    const provider = rotatingResource<Client, SecretNames>({
      provide: 'CLIENT',
      secrets: ['PASSWORD'],
      build: ({ PASSWORD = '' }: Record<string, string>) => clients.build(PASSWORD),
      probe: (client) => clients.onProbe(client),
      dispose: clients.dispose,
      ...options,
    });
    app = await startApplication(
      {
        imports: [
          SecretManagerModule.forRoot({
            manager: { useFactory: () => store },
            environment: {},
            retry: false,
            ...module,
          }),
        ],
        providers: [provider],
      },
      log,
    );
    return { rotating: app.get('CLIENT'), secrets: app.get(SecretsService) };
  };

  const rotate = async (secrets: SecretsService, value: string): Promise<void> => {
    store.rotate('PASSWORD', value);
    await secrets.refresh('PASSWORD');
  };

  it('is built before its users are constructed, and replaced after a change', async () => {
    const { rotating, secrets } = await start();
    expect(rotating.current.password).toBe('first');

    await rotate(secrets, 'second');
    await untilTrue(() => rotating.generation === 2);

    expect(rotating.current.password).toBe('second');
    await untilTrue(() => clients.alive.length === 1);
    expect(clients.made.map(({ isOpen }) => isOpen)).toEqual([false, true]);
  });

  it('is injected, with the arguments of `inject`, typed by the keys', async () => {
    @Injectable()
    class Mailer {
      constructor(@InjectRotating('MAILER') readonly transport: Rotating<string>) {}
    }
    const provider = rotatingResource({
      provide: 'MAILER',
      secrets: { user: 'USER', password: 'PASSWORD' },
      inject: ['HOST'],
      build: ({ user, password }, host: string) => `${user}:${password}@${host}`,
    });
    app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager: { useFactory: () => store } })],
      providers: [provider, Mailer, { provide: 'HOST', useValue: 'host' }],
    });

    expect(app.get(Mailer).transport.current).toBe('app:first@host');
  });

  it('serves work on the old resource to its end, and disposes of the resource then', async () => {
    const { rotating, secrets } = await start();
    let finish = (): void => undefined;
    const work = rotating.use(async (client) => {
      await new Promise<void>((resolve) => (finish = resolve));
      return client.isOpen;
    });

    await rotate(secrets, 'second');
    await untilTrue(() => rotating.generation === 2);
    expect(clients.alive).toHaveLength(2);
    finish();

    await expect(work).resolves.toBe(true);
    await untilTrue(() => clients.alive.length === 1);
  });

  it('waits with the next rotation for the one before, at most `drainMs`', async () => {
    const { rotating, secrets } = await start({ drainMs: 50 });
    void rotating.use(() => new Promise(() => undefined));

    for (const value of ['second', 'third', 'fourth']) await rotate(secrets, value);
    await untilTrue(() => rotating.current.password === 'fourth');

    expect(clients.mostAlive).toBe(2);
    expect(clients.made.map(({ password }) => password)).toEqual(['first', 'second', 'fourth']);
  });

  it('reads the other secrets once at a change, and takes what it finds into the same rotation', async () => {
    const { rotating, secrets } = await start({
      secrets: ['PASSWORD', 'USER'],
      build: ({ USER = '', PASSWORD = '' }: Record<string, string>) =>
        clients.build(`${USER}:${PASSWORD}`),
    });
    store.rotate('USER', 'app2');
    store.rotate('PASSWORD', 'second');
    const reads = store.calls.length;

    await secrets.refresh('PASSWORD');
    await untilTrue(() => rotating.generation === 2);
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(rotating.current.password).toBe('app2:second');
    expect(rotating.generation).toBe(2);
    const names = store.calls.slice(reads).map(({ secretName }) => secretName);
    expect(names.sort()).toEqual(['PASSWORD', 'USER']);
  });

  it('is built no more for the values that it has', async () => {
    const { rotating, secrets } = await start();
    clients.onBuild = () => new Promise((resolve) => setTimeout(resolve, 20));

    await rotate(secrets, 'second');
    await rotate(secrets, 'third');
    await rotate(secrets, 'second');
    await untilTrue(() => rotating.current.password === 'second');
    await new Promise((resolve) => setTimeout(resolve, 60));

    expect(clients.made.map(({ password }) => password)).toEqual(['first', 'second']);
  });

  it.each<[string, (broken: Clients) => void]>([
    ['build throws', (broken) => (broken.onBuild = () => Promise.reject(new TypeError(CANARY)))],
    ['probe throws', (broken) => (broken.onProbe = () => Promise.reject(new TypeError(CANARY)))],
    ['probe returns false', (broken) => (broken.onProbe = () => false)],
  ])('serves on if %s, warns once, and tries again', async (_, breakIt) => {
    const restoreTime = hurryTime(20);
    const { rotating, secrets } = await start();
    breakIt(clients);

    await rotate(secrets, 'second');
    await untilTrue(() => rotating.state === 'degraded');
    await rotate(secrets, 'third');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(rotating.current.password).toBe('first');
    expect(clients.alive).toHaveLength(1);
    expect(log.warnings.filter((line) => line.includes('CLIENT'))).toHaveLength(1);
    clients.onBuild = clients.onProbe = () => undefined;
    await untilTrue(() => rotating.state === 'ready');
    restoreTime();

    expect(rotating.current.password).toBe('third');
    expect(log.lines.join()).not.toContain('canary');
  });

  it('disposes of a resource that is built too late', async () => {
    const { rotating, secrets } = await start({ buildTimeoutMs: 20 });
    clients.onBuild = () => new Promise((resolve) => setTimeout(resolve, 60));

    await rotate(secrets, 'second');
    await untilTrue(() => rotating.state === 'degraded');
    await untilTrue(() => clients.made.length === 2);
    await untilTrue(() => clients.alive.length === 1);

    expect(rotating.current.password).toBe('first');
  });

  it.each<[string, () => Partial<RotatingResourceOptions<Client, SecretNames>>, RegExp]>([
    ['build() throws', () => ({ build: () => Promise.reject(new TypeError(CANARY)) }), /TypeError/],
    ['build() returns nothing', () => ({ build: () => undefined as never }), /returned nothing/],
    ['probe() returns false', () => ({ probe: () => false }), /returned false/],
    ['build() hangs', () => ({ buildTimeoutMs: 20, build: () => new Promise(() => 0) }), /20 ms/],
    ['a secret is missing', () => ({ secrets: ['MISSING'] }), /"MISSING"/],
  ])('keeps the application from starting if %s', async (_, options, message) => {
    const error = await failureOf(start(options()));

    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('canary');
    expect(clients.alive).toEqual([]);
  });

  it('runs rejected work once more on the next resource', async () => {
    const { rotating } = await start();
    store.rotate('PASSWORD', 'second');
    const reads = store.calls.length;

    const results = await Promise.all(
      Array.from({ length: 50 }, () =>
        rotating.use(({ password }) => {
          if (password !== 'second') throw REJECTED;
          return password;
        }),
      ),
    );

    expect(new Set(results)).toEqual(new Set(['second']));
    expect(store.calls).toHaveLength(reads + 1);
  });

  it.each<[string, (error: unknown) => boolean]>([
    ['there is no newer secret', () => true],
    ['the error is another one', () => false],
    [
      'isRejected throws',
      () => {
        throw new Error('broken');
      },
    ],
  ])('throws the error of the work, unchanged, if %s', async (_, isRejected) => {
    const { rotating } = await start({ isRejected });

    await expect(rotating.use(() => Promise.reject(REJECTED))).rejects.toBe(REJECTED);
  });

  it('ends with the application: waits for the work, disposes once, and refuses further work', async () => {
    const { rotating, secrets } = await start();
    let finish = (): void => undefined;
    const work = rotating.use(() => new Promise<void>((resolve) => (finish = resolve)));
    clients.onBuild = () => new Promise((resolve) => setTimeout(resolve, 20));
    await rotate(secrets, 'second'); // is being built at the end

    const closing = closeApplications();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(rotating.current.isOpen).toBe(true);
    finish();
    await Promise.all([work, closing]);

    await untilTrue(() => clients.alive.length === 0);
    expect(clients.made).toHaveLength(2);
    const { code } = await failureOf(rotating.use(() => undefined));
    expect(code).toBe('UNAVAILABLE');
  });

  it('ends with the application, although its build hangs and callers wait for it', async () => {
    const { rotating } = await start();
    clients.onBuild = () => new Promise(() => undefined);
    store.rotate('PASSWORD', 'second');
    const work = rotating.use(() => Promise.reject(REJECTED)).catch((error: unknown) => error);
    await untilTrue(() => store.calls.length > 1);
    await new Promise((resolve) => setTimeout(resolve, 20));

    await closeApplications();

    await expect(work).resolves.toBe(REJECTED);
    expect(clients.alive).toEqual([]);
  });

  it('ends with the application in a module that was loaded lazily', async () => {
    await start();
    @Module({
      providers: [
        rotatingResource({
          provide: 'LAZY',
          secrets: ['USER'],
          build: ({ USER }) => clients.build(USER),
          dispose: clients.dispose,
        }),
      ],
    })
    class LazyModule {}
    await app.get(LazyModuleLoader).load(() => LazyModule);
    expect(clients.alive).toHaveLength(2);

    await closeApplications();

    expect(clients.alive).toEqual([]);
  });

  it('is refused with a request-scoped argument', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Request {}
    const provider = rotatingResource({
      provide: 'EACH',
      secrets: ['USER'],
      inject: [Request],
      build: ({ USER }) => clients.build(USER),
    });
    app = await startApplication({
      imports: [SecretManagerModule.forRoot({ manager: { useFactory: () => store } })],
      providers: [provider, Request],
    });

    const { code, message } = await failureOf(app.resolve('EACH'));

    expect([code, clients.made]).toEqual(['MISCONFIGURED', []]);
    expect(message).toContain('request-scoped');
  });

  it('closes the manager if it keeps the application from starting', async () => {
    const close = jest.spyOn(store, 'close');

    await failureOf(start({ probe: () => false }));

    expect(close).toHaveBeenCalledTimes(1);
  });

  it('waits for a rotation that runs already, without a read', async () => {
    const { rotating, secrets } = await start();
    for (let at = 0; at < 4; at++) {
      await rotating.use(() => Promise.reject(REJECTED)).catch(() => undefined); // up to the limit
    }
    clients.onBuild = () => new Promise((resolve) => setTimeout(resolve, 20));
    await rotate(secrets, 'second');
    const reads = store.calls.length;

    const result = await rotating.use(({ password }) => {
      if (password === 'first') throw REJECTED;
      return password;
    });

    expect(result).toBe('second');
    expect(store.calls).toHaveLength(reads);
  });

  it('takes a promise of `isRejected` for a no, even one that rejects', async () => {
    const isRejected = () => Promise.reject(new Error('broken')) as unknown as boolean;
    const { rotating } = await start({ isRejected });
    const reads = store.calls.length;

    await expect(rotating.use(() => Promise.reject(REJECTED))).rejects.toBe(REJECTED);
    await new Promise(setImmediate); // an unhandled rejection would fail the run

    expect(store.calls).toHaveLength(reads);
  });

  it('logs a disposal that fails', async () => {
    const { rotating, secrets } = await start();
    clients.onDispose = () => Promise.reject(new RangeError(CANARY));

    await rotate(secrets, 'second');
    await untilTrue(() => rotating.generation === 2);
    await untilTrue(() => log.warnings.length > 0);

    expect(log.warnings.join()).toMatch(/CLIENT.*dispose\(\) failed with RangeError/);
    expect(log.lines.join()).not.toContain('canary');
  });

  it('names all wrong options at once', () => {
    const make = (): unknown =>
      rotatingResource({
        secrets: ['PASSWORD', ' ', '../x'],
        build: 'client',
        drainMs: -1,
        buildTimeoutMs: 'soon',
        isRejected: true,
        drain: 5,
      } as never);

    expect(make).toThrow(
      /"drain" is not an option[\s\S]*provide[\s\S]*secrets[\s\S]*build[\s\S]*drainMs[\s\S]*buildTimeoutMs[\s\S]*isRejected/,
    );
  });

  it('says which manager is missing', async () => {
    const error = await failureOf(start({ managerName: 'other' }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/CLIENT.*"other".*registered are "default"/);
  });
});

describe('rotatingOf', () => {
  it('stands for a rotating resource in a test', async () => {
    const rotating = rotatingOf({ send: () => 'sent' });

    await expect(rotating.use((mailer) => mailer.send())).resolves.toBe('sent');
    expect(rotating).toMatchObject({ generation: 1, state: 'ready' });
  });
});
