import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { CachePolicy } from '../../../lib/policies/cache/cache.policy';
import { DeadlinePolicy } from '../../../lib/policies/deadline.policy';
import { SingleFlightPolicy } from '../../../lib/policies/single-flight/single-flight.policy';
import { Writes, WritesPolicy } from '../../../lib/policies/writes/writes.policy';
import { ScriptedSecretManager, deferred, failure } from '../../support/scripted.secret-manager';

const MINUTE_MS = 60_000;

class WritableManager extends ScriptedSecretManager {
  override writeSecret = jest.fn().mockResolvedValue({ version: '2' });
  override deleteSecret = jest.fn().mockResolvedValue({});
}

/** Builds two pipelines with separate caches on one manager, like those of secrets and virtual keys. */
function writing(manager: WritableManager) {
  const writes = new Writes();
  const deadline = new DeadlinePolicy(new BoundaryPolicy(manager));
  const [first, second] = [deadline, deadline].map((inner) => {
    const cache = new CachePolicy(new SingleFlightPolicy(inner), {}, writes.recent);
    writes.observe(cache);
    const policy = new WritesPolicy(cache, writes, (read, written) =>
      cache.storeWritten(read, written),
    );
    return { cache, policy };
  });
  return { first: first!, second: second!, uncached: new WritesPolicy(deadline, writes) };
}

describe('WritesPolicy', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(0); // no jitter
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('stores the new value at age 0 in the cache of the write', async () => {
    const { first, second } = writing(new WritableManager());
    await first.policy.readSecret('KEY');
    await jest.advanceTimersByTimeAsync(MINUTE_MS);

    await first.policy.writeSecret('KEY', 'new');

    expect(first.cache.peek('KEY')).toBe('new');
    expect(first.cache.inspect()).toEqual([
      { name: 'KEY', state: 'fresh', ageMs: 0, version: '2' },
    ]);
    expect(second.cache.inspect()).toEqual([]);
  });

  it.each([
    ['writes', 'first'],
    ['writes', 'second'],
    ['writes', 'uncached'],
    ['deletes', 'first'],
    ['deletes', 'second'],
    ['deletes', 'uncached'],
  ] as const)(
    'drops the old value from every cache when it %s through %s',
    async (what, through) => {
      const pipelines = writing(new WritableManager());
      const { first, second, uncached } = pipelines;
      await Promise.all([first.policy.readSecret('KEY'), second.policy.readSecret('KEY')]);

      const policy = through === 'uncached' ? uncached : pipelines[through].policy;
      await (what === 'writes' ? policy.writeSecret('KEY', 'new') : policy.deleteSecret('KEY'));

      expect([first.cache.peek('KEY'), second.cache.peek('KEY')]).not.toContain('value');
    },
  );

  it.each(['TIMEOUT', 'UNAVAILABLE', 'UNKNOWN', 'MALFORMED', 'CANCELLED'] as const)(
    'drops the value from every cache after a write that failed with %s: it may have happened',
    async (code) => {
      const manager = new WritableManager();
      const { first, second } = writing(manager);
      await Promise.all([first.policy.readSecret('KEY'), second.policy.readSecret('KEY')]);
      manager.writeSecret.mockRejectedValue(failure(code));

      await expect(first.policy.writeSecret('KEY', 'new')).rejects.toMatchObject({ code });

      expect([first.cache.inspect(), second.cache.inspect()]).toEqual([[], []]);
    },
  );

  it('keeps the value if the store refused the new one', async () => {
    const manager = new WritableManager();
    const { first } = writing(manager);
    await first.policy.readSecret('KEY');
    manager.writeSecret.mockRejectedValue(failure('ACCESS_DENIED'));

    await expect(first.policy.writeSecret('KEY', 'new')).rejects.toThrow();

    expect(first.cache.peek('KEY')).toBe('value');
  });

  it('prevents a read in flight from restoring the old value, in every cache', async () => {
    const { script, answer } = deferred();
    const { first, second } = writing(new WritableManager(script));

    const readings = [first.policy.readSecret('KEY'), second.policy.readSecret('KEY')];
    await first.policy.writeSecret('KEY', 'new');
    answer('old');
    answer('old');
    await Promise.all(readings);

    expect(first.cache.peek('KEY')).toBe('new');
    expect(second.cache.peek('KEY')).toBeUndefined();
  });

  it('lets no read join a call from before a write', async () => {
    const { script, answer } = deferred();
    const { first } = writing(new WritableManager(script));

    const before = first.policy.readSecret('KEY');
    await first.policy.writeSecret('KEY', 'new');
    const after = first.policy.readSecret('KEY', { maxAgeMs: 0 });
    answer('old');
    answer('newer');

    expect([(await before)?.value, (await after)?.value]).toEqual(['old', 'newer']);
  });

  it('drops the versions and stages of the secret, which a write moves', async () => {
    const { first } = writing(new WritableManager());
    await first.policy.readSecret('KEY', { params: { versionStage: 'AWSPREVIOUS' } });

    await first.policy.writeSecret('KEY', 'new');

    expect(first.cache.inspect()).toMatchObject([{ name: 'KEY', version: '2' }]);
  });

  it('caches neither value of two overlapping writes, because only the store knows the last one', async () => {
    const { first, second } = writing(new WritableManager());

    await Promise.all([
      first.policy.writeSecret('KEY', 'one'),
      second.policy.writeSecret('KEY', 'two'),
    ]);

    expect([first.cache.inspect(), second.cache.inspect()]).toEqual([[], []]);
  });

  it('remembers the absence of a deleted secret', async () => {
    const { first } = writing(new WritableManager());
    await first.policy.readSecret('KEY');

    await first.policy.deleteSecret('KEY');

    expect(first.cache.inspect()).toMatchObject([{ name: 'KEY', state: 'absent' }]);
    expect(await first.policy.readSecret('KEY')).toBeUndefined();
  });

  it('keeps refreshing a pinned secret after a refused write', async () => {
    const { script, answer } = deferred();
    const manager = new WritableManager();
    const { first } = writing(manager);
    first.cache.pin('KEY');
    await first.policy.readSecret('KEY');
    manager.script = script;
    manager.writeSecret.mockRejectedValue(failure('CONFLICT'));

    await jest.advanceTimersByTimeAsync(5 * MINUTE_MS);
    await first.policy.writeSecret('KEY', 'new').catch(() => undefined);
    answer('overtaken');
    manager.script = () => 'refreshed';
    await jest.advanceTimersByTimeAsync(MINUTE_MS);

    expect(first.cache.peek('KEY')).toBe('refreshed');
  });
});
