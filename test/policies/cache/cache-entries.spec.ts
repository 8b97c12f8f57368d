import { AgeClock } from '../../../lib/core/time/clock';
import { CacheEntries } from '../../../lib/policies/cache/cache-entries';
import { sharedRead } from '../../../lib/policies/single-flight/flight';

const ENTRY = {
  value: 'value',
  version: undefined,
  readAt: 0,
  freshUntil: 0,
  leaseMs: undefined,
  validForMs: undefined,
  used: 0,
};

describe('CacheEntries', () => {
  it('keeps nothing about a read with empty params that it has deleted', () => {
    const entries = new CacheEntries(10, new Set(), new AgeClock());
    const read = sharedRead('NAME', {});

    entries.set(read, { ...ENTRY });
    entries.delete(read.key);

    expect(entries.readsOf('NAME')).toEqual([sharedRead('NAME', undefined)]);
  });

  it('finds a read with params by its name until it is deleted', () => {
    const entries = new CacheEntries(10, new Set(), new AgeClock());
    const read = sharedRead('NAME', { stage: 'old' });

    entries.set(read, { ...ENTRY });
    const cached = entries.readsOf('NAME');
    entries.delete(read.key);

    expect(cached).toEqual([sharedRead('NAME', undefined), read]);
    expect(entries.readsOf('NAME')).toHaveLength(1);
  });
});
