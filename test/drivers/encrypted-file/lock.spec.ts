import fs, { mkdirSync, symlinkSync } from 'node:fs';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';

const store = useStore();

/** Makes every write of a file fail. */
function failWrites(code: string): void {
  jest.spyOn(fs, 'writeSync').mockImplementation(() => {
    throw Object.assign(new Error('failed'), { code });
  });
}

describe('the lock of a store', () => {
  it.each<[string, (lock: string) => void]>([
    ['a folder', (lock) => mkdirSync(lock)],
    ['a link to nothing', (lock) => symlinkSync('/nonexistent/lock', lock)],
  ])('is MISCONFIGURED if it is %s, at start and at a write', async (_, make) => {
    make(`${store.path}-lock`);

    const errors = [
      await failureOf(store.opened()),
      await failureOf(store.manager.writeSecret('KEY', 'value')),
    ];

    expect(errors).toMatchObject(Array(2).fill({ code: 'MISCONFIGURED' }));
    expect(errors[0]?.message).toContain(`Mend it: rm -r '${store.path}-lock'`);
  });

  it('reports a full disk when it is created', async () => {
    failWrites('ENOSPC');

    const error = await failureOf(store.manager.writeSecret('KEY', 'value'));

    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(error.message).toContain('the disk is full');
    jest.restoreAllMocks();
    await store.manager.writeSecret('KEY', 'value');
  });

  it('reports a folder that is not writable when it is created', async () => {
    failWrites('EROFS');

    const error = await failureOf(store.manager.writeSecret('KEY', 'value'));

    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(error.message).toContain('let the user of the process write in');
  });
});
