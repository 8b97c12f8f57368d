import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../support/application';
import { ScriptedSecretManager } from '../support/scripted.secret-manager';

/** Suspends the machine: only the wall clock continues. */
function suspend(forMs: number): void {
  const { now } = Date;
  jest.spyOn(Date, 'now').mockImplementation(() => now.call(Date) + forMs);
}

describe('after a process has slept', () => {
  afterEach(async () => {
    jest.restoreAllMocks();
    await closeApplications();
  });

  it('serves no lease that has ended meanwhile', async () => {
    const store: ScriptedSecretManager = new ScriptedSecretManager(() => ({
      value: `lease ${store.asked.length}`,
      validForMs: 2_000,
    }));
    const { secrets } = await startWith(store);
    await secrets.get('KEY');

    suspend(8_000);

    expect(await secrets.get('KEY')).toBe('lease 2');
  });

  it('asks again for a value that is too old, and reports its age', async () => {
    const store = new InMemorySecretManager({ KEY: 'old' });
    const { secrets } = await startWith(store, {
      cache: { ttlMs: 60_000, staleWhileRevalidateMs: 0 },
    });
    await secrets.get('KEY', { params: {} });
    store.rotate('KEY', 'new');

    suspend(120_000);

    expect(secrets.inspect()[0]?.ageMs).toBeGreaterThanOrEqual(120_000);
    expect(await secrets.get('KEY', { maxAgeMs: 60_000 })).toBe('new');
  });

  it('serves no value beyond staleIfErrorMs if the store is down when it wakes', async () => {
    const store = new InMemorySecretManager({ KEY: 'old' });
    const { secrets } = await startWith(store, {
      retry: false,
      cache: { ttlMs: 1_000, staleIfErrorMs: 10_000 },
    });
    await secrets.get('KEY', { params: {} });
    store.fail('unavailable');

    suspend(60_000);

    await expect(
      secrets.get('KEY', { maxAgeMs: 50_000, staleIfErrorMs: 50_000 }),
    ).rejects.toThrow();
  });
});
