import type { SecretsService } from 'nestjs-custom-secret-manager';
import { closeApplications, startWith } from '../../support/application';
import { failureOf } from '../../support/failure-of';
import { hurriedTests } from '../../support/hurried-time';
import { ScriptedSecretManager, failure } from '../../support/scripted.secret-manager';

const TTL_MS = 500;

/** A store whose synchronous read blocks, like a hanging connection. */
class HangingStore extends ScriptedSecretManager {
  isHanging = false;
  readonly blockedForMs: number[] = [];

  constructor() {
    super(() => (this.isHanging ? new Promise<never>(() => undefined) : 'value'));
  }

  override readSecretSync(_: string, { timeoutMs = Infinity } = {}): string {
    if (!this.isHanging) return 'value';
    this.blockedForMs.push(timeoutMs);
    throw failure('TIMEOUT');
  }
}

function pass(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

describe.each<[string, (secrets: SecretsService) => unknown]>([
  ['getSync', (secrets) => secrets.getSync('KEY')],
  ['reveal', (secrets) => secrets.secret('KEY').reveal()],
])('%s while the store hangs', (_, read) => {
  hurriedTests(5);
  afterEach(closeApplications);

  async function startHanging(): Promise<{ store: HangingStore; secrets: SecretsService }> {
    const store = new HangingStore();
    const { secrets } = await startWith(store, {
      retry: false,
      attemptTimeoutMs: 60,
      cache: { ttlMs: TTL_MS, staleWhileRevalidateMs: 0 },
    });
    await secrets.get('KEY');
    await pass(TTL_MS + 5);
    store.isHanging = true;
    return { store, secrets };
  }

  it('serves a cached value without blocking while a refresh is in flight', async () => {
    const { store, secrets } = await startHanging();
    secrets.get('KEY').catch(() => undefined); // the read ends with the application

    expect(read(secrets)).toBe('value');
    expect(store.blockedForMs).toEqual([]);
  });

  it('serves a cached value without blocking once a refresh has failed, however long ago', async () => {
    const { store, secrets } = await startHanging();
    await secrets.get('KEY'); // served stale, because the refresh times out

    const values = [read(secrets)];
    await pass(1_100); // past the pause between two refreshes
    values.push(read(secrets));

    expect(values).toEqual(['value', 'value']);
    expect(store.blockedForMs).toEqual([]);
  });

  it('blocks at most once, if nobody has asked before', async () => {
    const { store, secrets } = await startHanging();

    const values = [read(secrets), read(secrets), read(secrets)];
    await pass(1_100);
    values.push(read(secrets));

    expect(new Set(values)).toEqual(new Set(['value']));
    expect(store.blockedForMs).toHaveLength(1);
  });

  it('refreshes in the background, and serves the new value when the store is back', async () => {
    const { store, secrets } = await startHanging();
    await secrets.get('KEY');
    store.isHanging = false;
    store.script = () => 'new';
    await pass(1_100);

    read(secrets);
    await pass(50); // the new value is still fresh

    expect(read(secrets)).toBe('new');
  });
});

describe('a synchronous read that blocks', () => {
  afterEach(closeApplications);

  it.each<[number, object, object]>([
    [3_000, {}, {}],
    [3_000, {}, { timeoutMs: 8_000 }],
    [500, {}, { timeoutMs: 500 }],
    [200, { syncTimeoutMs: 200 }, {}],
    [5_000, { syncTimeoutMs: 5_000 }, {}],
    [1_000, { syncTimeoutMs: 5_000, attemptTimeoutMs: 1_000 }, {}],
  ])('has %p ms with %o and %o', async (expected, options, call) => {
    const store = new HangingStore();
    store.isHanging = true;
    const { secrets } = await startWith(store, options);

    await failureOf(() => secrets.getSync('KEY', call));

    expect(store.blockedForMs).toEqual([expected]);
  });

  it.each([0, -1, Number.NaN, '3000' as never])(
    'refuses syncTimeoutMs of %p at start',
    async (syncTimeoutMs) => {
      const start = startWith(new HangingStore(), { syncTimeoutMs });

      await expect(start).rejects.toMatchObject({
        code: 'MISCONFIGURED',
        message: expect.stringContaining('syncTimeoutMs must be'),
      });
    },
  );
});
