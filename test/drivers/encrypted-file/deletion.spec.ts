import { readFileSync } from 'node:fs';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';

const DAY_MS = 86_400_000;
const store = useStore();

describe('a deleted secret', () => {
  const later = (days: number): void => {
    jest.useFakeTimers({
      now: Date.now() + days * DAY_MS,
      doNotFake: ['nextTick', 'setImmediate', 'performance'],
    });
  };

  it('is restored by a write, with description and tags', async () => {
    await store.manager.writeSecret('KEY', 'old', { description: 'kept', tags: { a: 'b' } });
    await store.manager.deleteSecret('KEY');

    await store.manager.writeSecret('KEY', 'new');

    expect(await store.valueOf('KEY')).toBe('new');
    expect(await store.manager.describeSecret('KEY')).toEqual({
      description: 'kept',
      tags: { a: 'b' },
    });
  });

  it('is absent, and shows no description', async () => {
    await store.manager.writeSecret('KEY', 'value', { description: 'gone' });
    await store.manager.deleteSecret('KEY');

    expect(await store.valueOf('KEY')).toBeUndefined();
    expect(await store.manager.describeSecret('KEY')).toEqual({});
  });

  it('is kept for 7 days by default, and not longer if it is deleted again', async () => {
    await store.manager.writeSecret('KEY', 'value');
    const first = await store.manager.deleteSecret('KEY');
    const second = await store.manager.deleteSecret('KEY', { recoveryWindowInDays: 30 });

    const days = (Number(first.deletionAt) - Date.now()) / DAY_MS;
    expect(days).toBeCloseTo(7, 2);
    expect(second).toEqual(first);
  });

  it.each([1e12, NaN])(
    'cannot have a window of %s days, which ends at no valid date',
    async (days) => {
      await store.manager.writeSecret('KEY', 'value');

      const failure = await failureOf(
        store.manager.deleteSecret('KEY', { recoveryWindowInDays: days }),
      );

      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(failure.message).toContain('recoveryWindowInDays');
      expect(await store.valueOf('KEY')).toBe('value');
    },
  );

  it('may be kept until the last valid date', async () => {
    await store.manager.writeSecret('KEY', 'value');

    const { deletionAt } = await store.manager.deleteSecret('KEY', { recoveryWindowInDays: 1e7 });

    expect((Number(deletionAt) - Date.now()) / DAY_MS).toBeCloseTo(1e7, 2);
    expect(await (await store.opened()).readSecret('KEY')).toBeUndefined();
  });

  it.each([0, undefined])('leaves the list at once with a window of 0 days', async (days) => {
    await store.manager.writeSecret('KEY', 'value');
    if (days === undefined) await store.manager.deleteSecret('KEY');

    const metadata = await store.manager.deleteSecret('KEY', { recoveryWindowInDays: 0 });

    expect(metadata).toEqual({});
    expect(await store.manager.listSecrets()).toEqual([]);
  });

  it('is removed by the first write after its window', async () => {
    const countEntries = (): bigint => {
      const file = readFileSync(store.path);
      const [one, other] = [0, 4_096].map((at) => file.subarray(at)); // LMDB's two meta pages
      const isOne = Number(one?.readBigUInt64LE(152)) > Number(other?.readBigUInt64LE(152));
      return (isOne ? one : other)?.readBigUInt64LE(128) ?? 0n;
    };
    await store.manager.writeSecret('OTHER', 'one');
    const before = countEntries();
    await store.manager.writeSecret('KEY', 'value', { description: 'old' });
    await store.manager.deleteSecret('KEY', { recoveryWindowInDays: 2 });
    later(1);
    await store.manager.writeSecret('OTHER', 'one');
    const within = countEntries();
    later(1.01);

    await store.manager.writeSecret('OTHER', 'two');

    expect(within).toBeGreaterThan(before);
    expect(countEntries()).toBe(before);
  });

  it('is not restored by a write after its window, but created again', async () => {
    await store.manager.writeSecret('KEY', 'value', { description: 'old' });
    await store.manager.deleteSecret('KEY', { recoveryWindowInDays: 1 });
    later(2);

    await store.manager.writeSecret('KEY', 'new', { createOnly: true });

    expect(await store.manager.describeSecret('KEY')).toEqual({});
  });
});
