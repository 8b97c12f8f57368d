import fs, { statSync } from 'node:fs';
import { makeRoom } from '../../../lib/drivers/encrypted-file/store/free-space';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';
import { thrownBy } from '../../support/thrown-by';

const store = useStore();

const VALUE = Buffer.alloc(1_000_000);
const CHANGES = {
  replaces: 0,
  header: '',
  changes: 1,
  head: { key: Buffer.from('head'), bytes: Buffer.alloc(2_000), token: 1 },
  puts: [[Buffer.from('record'), VALUE]] as const,
};

/** Makes the disk full after one more write of a file. */
function fillDisk(): void {
  const { writeSync } = fs;
  let left = 1;
  jest.spyOn(fs, 'writeSync').mockImplementation((...args: Parameters<typeof writeSync>) => {
    if (left-- > 0) return writeSync(...args);
    throw Object.assign(new Error('full'), { code: 'ENOSPC' });
  });
}

describe('the room for a commit', () => {
  it('is reserved before LMDB writes', () => {
    makeRoom(store.path, CHANGES);

    expect(statSync(store.path).size).toBeGreaterThan(VALUE.length);
  });

  it('is not reserved twice', () => {
    makeRoom(store.path, CHANGES);
    const { size } = statSync(store.path);

    makeRoom(store.path, CHANGES);

    expect(statSync(store.path).size).toBe(size);
  });

  it('is released if the disk has not enough space', () => {
    const { size } = statSync(store.path);
    const changes = { ...CHANGES, puts: [...CHANGES.puts, ...CHANGES.puts] };
    fillDisk();

    expect(thrownBy(() => makeRoom(store.path, changes))).toMatchObject({ code: 'ENOSPC' });

    expect(statSync(store.path).size).toBe(size);
  });

  it('is reserved by a write, which fails alone', async () => {
    await store.manager.writeSecret('KEY', 'value');
    jest.spyOn(fs, 'writeSync').mockImplementation(() => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });

    const error = await failureOf(store.manager.writeSecret('LARGE', 'x'.repeat(1_000_000)));

    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(error.message).toContain('the disk is full');
    await store.manager.deleteSecret('KEY');
    jest.restoreAllMocks();
    await store.manager.writeSecret('LARGE', 'x'.repeat(1_000_000));
    await expect(store.manager.checkHealth()).resolves.toBe(true);
  });
});
