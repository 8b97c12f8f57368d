import { inspect } from 'node:util';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { rotatingResource, type Rotating } from 'nestjs-custom-secret-manager/live';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { CapturedLog, closeApplications, startApplication } from '../../support/application';

const CANARY = 'tell-nobody-this-value';

type Options = Partial<Parameters<typeof rotatingResource<{ value: string }, readonly ['KEY']>>[0]>;

let store: InMemorySecretManager;
let log: CapturedLog;
let unhandled: unknown[];
const keep = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  store = new InMemorySecretManager({ KEY: 'first' });
  log = new CapturedLog();
  unhandled = [];
  process.on('unhandledRejection', keep);
});

afterEach(async () => {
  await closeApplications();
  await pause(5);
  process.off('unhandledRejection', keep);
  if (unhandled.length > 0) throw new Error('a rejection was not handled');
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const until = async (isTrue: () => boolean): Promise<void> => {
  for (let at = 0; !isTrue(); at += 1) {
    if (at > 1_000) throw new Error('it does not come true');
    await pause(2);
  }
};

async function start(options: Options = {}): Promise<{
  rotating: Rotating<{ value: string }>;
  rotate: (value: string) => Promise<void>;
}> {
  const provider = rotatingResource({
    provide: 'IT',
    secrets: ['KEY'],
    build: ({ KEY }: { KEY: string }) => ({ value: KEY }),
    ...options,
  });
  const app = await startApplication(
    {
      imports: [
        SecretManagerModule.forRoot({
          manager: { useFactory: () => store },
          environment: {},
          retry: false,
        }),
      ],
      providers: [provider],
    },
    log,
  );
  const secrets = app.get(SecretsService);
  return {
    rotating: app.get('IT'),
    rotate: async (value) => {
      store.rotate('KEY', value);
      await secrets.refresh('KEY');
    },
  };
}

/** Values that nobody expects to be thrown. */
const thrown: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a text', CANARY],
  [
    'an object with a getter that throws',
    Object.defineProperty({}, 'name', { get: () => raise(new Error(CANARY)) }),
  ],
  [
    'an error whose name is a value',
    Object.assign(new Error(CANARY), { name: CANARY, code: CANARY }),
  ],
  ['a proxy that throws', new Proxy({}, { get: () => raise(new Error(CANARY)) })],
];

function raise(error: unknown): never {
  throw error;
}

describe('a rotating resource whose functions misbehave', () => {
  it.each(thrown)('serves on if build and probe throw %s', async (_, what) => {
    let isBroken: 'no' | 'build' | 'probe' = 'no';
    const { rotating, rotate } = await start({
      build: ({ KEY }) => (isBroken === 'build' ? raise(what) : { value: KEY }),
      probe: () => (isBroken === 'probe' ? raise(what) : true),
    });
    for (const step of ['build', 'probe'] as const) {
      isBroken = step;
      await rotate(`broken-${step}`);
      await until(() => rotating.state === 'degraded');
      expect(rotating.current.value).not.toContain('broken');
      isBroken = 'no';
      await rotate(`after-${step}`);
      await until(() => rotating.current.value === `after-${step}`);
      expect(rotating.state).toBe('ready');
    }

    expect(log.warnings.join()).toContain('could not be built');
    expect(log.lines.join()).not.toContain(CANARY);
  });

  it.each(thrown)('goes on if dispose throws %s', async (_, what) => {
    const { rotating, rotate } = await start({ dispose: () => raise(what) });

    for (const value of ['second', 'third']) {
      await rotate(value);
      await until(() => rotating.current.value === value);
    }
    await until(() => log.warnings.length >= 2);

    expect(log.warnings.join()).toContain('dispose() failed');
    expect(log.lines.join()).not.toContain(CANARY);
  });

  it.each(thrown)(
    'throws the same if the work throws %s, and isRejected throws it, too',
    async (_, what) => {
      const { rotating } = await start({ isRejected: () => raise(what) });

      const outcome = await rotating
        .use(() => raise(what))
        .then(
          () => 'fulfilled',
          (error: unknown) => [error],
        );

      expect((outcome as unknown[])[0]).toBe(what);
    },
  );

  it('goes on to the next change although dispose hangs', async () => {
    jest.useFakeTimers({
      doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'],
    });
    try {
      const { rotating, rotate } = await start({ dispose: () => new Promise(() => undefined) });
      await rotate('second');
      while (rotating.generation < 2) await jest.advanceTimersByTimeAsync(1);
      await rotate('third');
      await jest.advanceTimersByTimeAsync(5_001);
      while (rotating.generation < 3) await jest.advanceTimersByTimeAsync(1);

      expect(rotating.current.value).toBe('third');
      expect(log.warnings.join()).toContain('dispose() failed with TIMEOUT');
      const closing = closeApplications();
      await jest.advanceTimersByTimeAsync(20_000);
      await closing;
    } finally {
      jest.useRealTimers();
    }
  });

  it('serves on if a probe hangs, and disposes of what it probed', async () => {
    const disposed: string[] = [];
    let hangs = false;
    const { rotating, rotate } = await start({
      buildTimeoutMs: 20,
      probe: () => (hangs ? new Promise(() => undefined) : true),
      dispose: ({ value }) => disposed.push(value),
    });
    hangs = true;

    await rotate('second');
    await until(() => rotating.state === 'degraded');

    expect([rotating.current.value, disposed]).toEqual(['first', ['second']]);
  });

  it('takes a thenable that never settles for a build that is too late', async () => {
    let isOdd = false;
    const { rotating, rotate } = await start({
      buildTimeoutMs: 20,
      build: ({ KEY }) => (isOdd ? ({ then: () => undefined } as never) : { value: KEY }),
    });
    isOdd = true;

    await rotate('second');
    await until(() => rotating.state === 'degraded');

    expect(rotating.current.value).toBe('first');
  });

  it('uses a resource within the use of it', async () => {
    const { rotating, rotate } = await start();

    const values = await rotating.use(async (outer) => {
      await rotate('second');
      await until(() => rotating.generation === 2);
      return [outer.value, await rotating.use(({ value }) => value)];
    });

    expect(values).toEqual(['first', 'second']);
  });

  it('disposes of each resource once if it shuts down twice and within a rotation', async () => {
    const made: string[] = [];
    const disposed: string[] = [];
    const { rotating, rotate } = await start({
      build: async ({ KEY }) => {
        await pause(5);
        made.push(KEY);
        return { value: KEY };
      },
      dispose: ({ value }) => disposed.push(value),
    });
    void rotate('second');
    await pause(2);
    void rotate('third');
    const hook = rotating as unknown as { onApplicationShutdown(): Promise<void> };

    await Promise.all([
      closeApplications(),
      hook.onApplicationShutdown(),
      hook.onApplicationShutdown(),
    ]);
    await pause(30);

    expect(disposed.sort()).toEqual(made.sort());
    await expect(rotating.use(() => 1)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(() => rotating.current).not.toThrow();
  });

  it('waits for the probe under way at the shutdown, and leaves nothing open', async () => {
    const disposed: string[] = [];
    let finish = (): void => undefined;
    let isSlow = false;
    const { rotate } = await start({
      probe: () => (isSlow ? new Promise<void>((resolve) => (finish = resolve)) : true),
      dispose: ({ value }) => disposed.push(value),
    });
    isSlow = true;
    await rotate('second');
    await pause(5);

    await closeApplications();
    finish();
    await pause(10);

    expect(disposed.sort()).toEqual(['first', 'second']);
  });

  it('shows no value when it is logged', async () => {
    store.rotate('KEY', CANARY);
    const { rotating } = await start({ build: () => ({ value: 'built' }) });
    const shown = inspect(rotating, { depth: 9, showHidden: true }) + JSON.stringify(rotating);

    expect(shown).not.toContain(CANARY);
  });
});
