import { AsyncLocalStorage } from 'node:async_hooks';
import {
  CustomSecretManager,
  type SecretChange,
  type SecretManagerModuleOptions,
  type SecretReading,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith, type Started } from '../../support/application';
import { failureOf } from '../../support/failure-of';

const ALLOW_EMPTY = { allowEmpty: true };
const WRITABLE = { settings: { accessMode: 'read_and_write' as const } };

type Told = Omit<SecretChange, 'at'>;

/** Collects the changes of a secret. */
function listen({ secrets }: Started, name: string, options?: { allowEmpty?: boolean }): Told[] {
  const told: Told[] = [];
  secrets.secret(name, options).onChange(({ at, ...change }) => {
    expect(at).toBeInstanceOf(Date);
    told.push(change);
  });
  return told;
}

describe('changes of a secret', () => {
  let store: InMemorySecretManager;

  beforeEach(() => {
    store = new InMemorySecretManager({ KEY: 'first' });
  });

  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
  });

  const start = (options: SecretManagerModuleOptions = {}): Promise<Started> =>
    startWith(store, { ...WRITABLE, ...options });

  it('are told once, with both versions and no value', async () => {
    const started = await start();
    await started.secrets.get('KEY');
    const told = listen(started, 'KEY');

    store.rotate('KEY', 'second');
    await started.secrets.refresh('KEY');
    await started.secrets.refresh('KEY');

    expect(told).toEqual([
      { name: 'KEY', manager: 'in-memory', version: '2', previousVersion: '1', source: 'read' },
    ]);
  });

  it('are told before the refresh resolves, when the handle reveals the new value', async () => {
    const { secrets } = await start({ preload: ['KEY'] });
    const handle = secrets.secret('KEY');
    const seen: string[] = [];
    handle.onChange(() => void seen.push(handle.reveal()));

    store.rotate('KEY', 'second');
    await secrets.refresh('KEY').then(() => seen.push('refreshed'));

    expect(seen).toEqual(['second', 'refreshed']);
  });

  it.each<[string, (started: Started) => Promise<unknown>, Told['source']]>([
    ['a write', ({ secrets }) => secrets.set('KEY', 'second'), 'write'],
    ['a rotation', ({ secrets }) => secrets.rotate('KEY', { value: 'second' }), 'write'],
    ['a read without the cache', ({ secrets }) => secrets.get('KEY', { maxAgeMs: 0 }), 'read'],
    ['empty params', ({ secrets }) => secrets.get('KEY', { params: {}, maxAgeMs: 0 }), 'read'],
    ['a batch', ({ secrets }) => secrets.getMany(['OTHER', 'KEY'], { maxAgeMs: 0 }), 'read'],
    ['a synchronous read', async ({ secrets }) => secrets.getSync('KEY', { maxAgeMs: 0 }), 'read'],
  ])('are told for %s', async (what, change, source) => {
    const started = await start({ preload: ['KEY'] });
    const told = listen(started, 'KEY');
    if (source === 'read') store.rotate('KEY', 'second');

    await change(started);

    expect(told).toMatchObject([{ name: 'KEY', source }]);
    expect(what).toBeDefined();
  });

  it('are not told for an equal value, whose version moves on', async () => {
    const started = await start({ preload: ['KEY'] });
    const told = listen(started, 'KEY');

    store.rotate('KEY', 'first');
    await started.secrets.refresh('KEY');
    store.rotate('KEY', 'second');
    await started.secrets.refresh('KEY');

    expect(told).toMatchObject([{ version: '3', previousVersion: '2' }]);
  });

  it('are found by the first reading after an invalidation', async () => {
    const started = await start({ preload: ['KEY'] });
    const told = listen(started, 'KEY');

    started.secrets.invalidate();
    store.rotate('KEY', 'second');
    await started.secrets.get('KEY');

    expect(told).toMatchObject([{ version: '2', previousVersion: '1' }]);
  });

  it('have the first reading as their baseline where nothing is cached', async () => {
    const started = await start();
    const told = listen(started, 'KEY');

    await started.secrets.get('KEY');
    store.rotate('KEY', 'second');
    await started.secrets.refresh('KEY');

    expect(told).toHaveLength(1);
  });

  it('are told for a value after an absence, without a previous version', async () => {
    const started = await start({ cache: { absenceTtlMs: 0 } });
    const told = listen(started, 'LATER');

    await started.secrets.get('LATER');
    store.rotate('LATER', 'here');
    await started.secrets.get('LATER');

    expect(told).toEqual([{ name: 'LATER', manager: 'in-memory', version: '2', source: 'read' }]);
  });

  it('are not told for a denial and an absence, and for the same value after them', async () => {
    const started = await start({ preload: ['KEY'] });
    const told = listen(started, 'KEY');

    store.fail('denied');
    await failureOf(started.secrets.refresh('KEY'));
    store.heal();
    await started.secrets.refresh('KEY');
    store.remove('KEY');
    await started.secrets.refresh('KEY');
    store.rotate('KEY', 'first');
    await started.secrets.refresh('KEY');

    expect(told).toEqual([]);
    store.rotate('KEY', 'second');
    await started.secrets.refresh('KEY');
    expect(told).toHaveLength(1);
  });

  it('include the environment, where it answers in place of the store', async () => {
    const started = await start({
      environment: { KEY: 'of the environment' },
      fallback: 'on-unavailable',
      retry: false,
      cache: { ttlMs: 0, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, absenceTtlMs: 0 },
    });
    await started.secrets.get('KEY');
    const told = listen(started, 'KEY');

    store.remove('KEY');
    await started.secrets.get('KEY');
    store.rotate('KEY', 'second');
    await started.secrets.get('KEY');
    store.fail('unavailable');
    await started.secrets.get('KEY');

    expect(told).toHaveLength(3);
    expect(told[2]).not.toHaveProperty('version');
  });

  it('are told to each subscription in turn, and a listener may read and write', async () => {
    const { secrets } = await start({ preload: ['KEY'] });
    const handle = secrets.secret('KEY');
    const order: string[] = [];
    handle.onChange(({ version }) => {
      order.push(`one ${version}`);
      if (version === '2') {
        store.rotate('KEY', 'third');
        secrets.getSync('KEY', { maxAgeMs: 0 });
      }
    });
    handle.onChange(({ version }) => void order.push(`two ${version}`));

    store.rotate('KEY', 'second');
    await secrets.refresh('KEY');

    expect(order).toEqual(['one 2', 'two 2', 'one 3', 'two 3']);
  });

  it.each<[string, Parameters<InMemorySecretManager['rotate']>[0], SecretManagerModuleOptions]>([
    ['two handles of one secret', 'KEY', {}],
    ['two keys of a bundle', 'ALL', { settings: { primarySecretName: 'ALL' } }],
  ])('are told in order to %s, although a listener reads', async (_, stored, options) => {
    const bundle = (value: string): string => `{"KEY":"${value}","OTHER":"${value}"}`;
    store.rotate('ALL', bundle('first'));
    const { secrets } = await start({ preload: ['KEY'], ...options });
    const order: string[] = [];
    const change = (value: string): void =>
      store.rotate(stored, stored === 'ALL' ? bundle(value) : value);
    secrets.secret('KEY').onChange(({ previousVersion, version }) => {
      order.push(`one ${previousVersion} ${version}`);
      if (order.length > 1) return;
      change('third');
      secrets.getSync('KEY', { maxAgeMs: 0 });
    });
    const other = stored === 'ALL' ? secrets.secret('OTHER') : secrets.secret('KEY', ALLOW_EMPTY);
    const told: string[] = [];
    other.onChange(
      ({ previousVersion, version }) => void told.push(`${previousVersion} ${version}`),
    );

    change('second');
    await secrets.refresh('KEY');

    expect(told).toHaveLength(2);
    expect(order).toEqual(told.map((each) => `one ${each}`));
  });

  it('cannot be altered by a listener for the next one', async () => {
    const { secrets } = await start({ preload: ['KEY'] });
    const handle = secrets.secret('KEY');
    handle.onChange((change) => {
      change.at.setTime(0);
      Object.assign(change, { name: 'altered' });
    });
    const told: SecretChange[] = [];
    handle.onChange((change) => void told.push(change));

    store.rotate('KEY', 'second');
    await secrets.refresh('KEY');

    expect(told).toMatchObject([{ name: 'KEY' }]);
    expect(told[0]?.at.getTime()).toBeGreaterThan(0);
  });

  it('reach no listener after its end, and none that subscribes within the round', async () => {
    const { secrets } = await start({ preload: ['KEY'] });
    const handle = secrets.secret('KEY');
    const order: string[] = [];
    handle.onChange(() => {
      order.push('one');
      stop();
      handle.onChange(() => void order.push('late'));
    });
    const stop = handle.onChange(() => void order.push('two'));

    store.rotate('KEY', 'second');
    await secrets.refresh('KEY');
    stop();

    expect(order).toEqual(['one']);
  });

  it('reach the other listeners although one fails, which is logged without its text', async () => {
    const { secrets, log } = await start({ preload: ['KEY'] });
    const handle = secrets.secret('KEY');
    let told = 0;
    handle.onChange(() => {
      throw new TypeError('sk-canary');
    });
    handle.onChange(async () => {
      await Promise.reject(new RangeError('sk-canary'));
    });
    handle.onChange(() => void (told += 1));

    store.rotate('KEY', 'second');
    await secrets.refresh('KEY');
    await new Promise(setImmediate);

    expect(told).toBe(1);
    expect(log.warnings.join()).toMatch(/"KEY" of in-memory failed with TypeError/);
    expect(log.warnings.join()).toMatch(/"KEY" of in-memory failed with RangeError/);
    expect(log.lines.join()).not.toContain('canary');
  });

  it('run outside the context of the request that found them', async () => {
    const { secrets } = await start({ preload: ['KEY'] });
    const request = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    secrets.secret('KEY').onChange(() => void contexts.push(request.getStore()));

    store.rotate('KEY', 'second');
    await request.run('request', () => secrets.refresh('KEY'));

    expect(contexts).toEqual([undefined]);
  });

  it('run outside the context of the request that subscribed', async () => {
    const { secrets } = await start({ preload: ['KEY'] });
    const request = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const keep = (): void => void contexts.push(request.getStore());
    const listener = () => {
      keep();
      return { then: keep } as unknown as Promise<void>;
    };
    request.run('request', () => secrets.secret('KEY').onChange(listener));

    store.rotate('KEY', 'second');
    await request.run('another', () => secrets.refresh('KEY'));
    await new Promise(setImmediate);

    expect(contexts).toEqual([undefined, undefined]);
  });

  it('are found without traffic, until the last listener has gone', async () => {
    jest.useFakeTimers();
    const { secrets } = await start({ cache: { ttlMs: 5_000 } });
    await secrets.get('KEY');
    const told: string[] = [];
    const stop = secrets.secret('KEY').onChange(({ version }) => void told.push(`${version}`));

    store.rotate('KEY', 'second');
    await jest.advanceTimersByTimeAsync(5_100);
    expect(told).toEqual(['2']);
    stop();
    const reads = store.calls.length;
    await jest.advanceTimersByTimeAsync(60_000);

    expect(store.calls).toHaveLength(reads);
  });

  it('are found within `ttlMs`, although a lease lasts longer', async () => {
    jest.useFakeTimers();
    const manager = new LeasingManager(3_600_000);
    const started = await startWith(manager, { cache: { ttlMs: 5_000 }, preload: ['KEY'] });
    const told = listen(started, 'KEY');

    manager.value = 'second';
    await jest.advanceTimersByTimeAsync(5_100);

    expect(told).toHaveLength(1);
  });

  it('leave a preloaded secret fresh when the last listener has gone', async () => {
    jest.useFakeTimers();
    const { secrets } = await start({ cache: { ttlMs: 5_000 }, preload: ['KEY'] });
    const handle = secrets.secret('KEY');
    const stops = [handle.onChange(() => undefined), handle.onChange(() => undefined)];

    for (const stop of [...stops, ...stops]) stop();
    const reads = store.calls.length;
    await jest.advanceTimersByTimeAsync(5_100);

    expect(store.calls.length).toBeGreaterThan(reads);
  });

  it('are told for the keys of a bundle whose own text differs', async () => {
    store = new InMemorySecretManager({ ALL: '{"KEY":"first","OTHER":"other"}' });
    const started = await start({ settings: { primarySecretName: 'ALL' }, preload: ['KEY'] });
    const [told, others] = [listen(started, 'KEY'), listen(started, 'OTHER')];

    store.rotate('ALL', '{"KEY":"second","OTHER":"other"}');
    await started.secrets.refresh();

    expect(told).toMatchObject([{ name: 'KEY', version: '2', previousVersion: '1' }]);
    expect(others).toEqual([]);
  });

  it('are not told for reads with params', async () => {
    const started = await start({ preload: ['KEY'] });
    const told = listen(started, 'KEY');

    store.rotate('KEY', 'second');
    await started.secrets.get('KEY', { params: { stage: 'next' } });

    expect(told).toEqual([]);
  });

  it('end with the application', async () => {
    const started = await start({ preload: ['KEY'] });
    const told = listen(started, 'KEY');

    await closeApplications();
    store.rotate('KEY', 'second');
    await failureOf(started.secrets.refresh('KEY'));
    const stop = started.secrets.secret('KEY').onChange(() => undefined);
    stop();

    expect(told).toEqual([]);
  });

  it.each([undefined, null, 'listener', {}])('refuse %p as a listener', async (listener) => {
    const { secrets } = await start();

    const error = await failureOf(() => secrets.secret('KEY').onChange(listener as never));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toContain('onChange() takes a function');
  });

  it('need the cache', async () => {
    const { secrets } = await start({ cache: false });

    const error = await failureOf(() => secrets.secret('KEY').onChange(() => undefined));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
  });
});

class LeasingManager extends CustomSecretManager {
  value = 'first';

  constructor(private readonly validForMs: number | undefined) {
    super('leasing');
  }

  override readSecret(): Promise<SecretReading> {
    return Promise.resolve({ value: this.value, validForMs: this.validForMs });
  }
}

describe('a handle', () => {
  let store: InMemorySecretManager;

  beforeEach(() => {
    store = new InMemorySecretManager({ KEY: 'first' });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await closeApplications();
  });

  it('reports the version of the value that it reveals', async () => {
    const { secrets } = await startWith(store);
    const handle = secrets.secret('KEY');

    expect(handle.version).toBeUndefined();
    await handle.get();
    expect(handle.version).toBe('1');
    store.rotate('KEY', 'first');
    await secrets.refresh('KEY');
    expect(handle.version).toBe('2');
  });

  it('has a bound reveal', async () => {
    const { secrets } = await startWith(store);

    const { reveal } = secrets.secret('KEY');

    expect(reveal()).toBe('first');
  });

  it('reports no version of a value that is too old to be served', async () => {
    const never = { ttlMs: 0, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
    const { secrets } = await startWith(store, {
      environment: { KEY: 'of the environment' },
      fallback: 'on-unavailable',
      retry: false,
      cache: never,
    });
    const handle = secrets.secret('KEY');
    await handle.get();

    store.fail('unavailable');

    expect([handle.reveal(), handle.version]).toEqual(['of the environment', undefined]);
  });

  it('reports the end of a lease', async () => {
    const { secrets } = await startWith(new LeasingManager(60_000));
    const handle = secrets.secret('KEY');
    const before = Date.now();

    await handle.get();

    const leftMs = Number(handle.expiresAt) - before;
    expect(Math.abs(leftMs - 60_000)).toBeLessThan(1_000);
  });

  it.each([1e300, undefined])('reports no end of a lease of %p ms', async (validForMs) => {
    const { secrets } = await startWith(new LeasingManager(validForMs));
    const handle = secrets.secret('KEY');

    await handle.get();

    expect(handle.expiresAt).toBeUndefined();
  });

  it('reports no lease for a value that a lagging replica has given', async () => {
    const { secrets } = await startWith(store, WRITABLE);
    const handle = secrets.secret('KEY');
    await secrets.set('KEY', 'second');
    store.rotate('KEY', 'first'); // differs from what was written
    jest.spyOn(store, 'readSecret').mockResolvedValue({ value: 'first', version: '1' });

    await handle.get({ maxAgeMs: 0 });

    expect([handle.reveal(), handle.expiresAt]).toEqual(['first', undefined]);
  });
});
