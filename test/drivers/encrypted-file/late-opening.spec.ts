import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type * as lmdbModule from '../../../lib/drivers/encrypted-file/lmdb/database';
import { Writer } from '../../../lib/drivers/encrypted-file/store/writer';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';

/** The offset of the number of the last commit in LMDB's lock file. */
const LAST_COMMIT = 8;

let mockAfterOpening: () => void = () => undefined;
jest.mock('../../../lib/drivers/encrypted-file/lmdb/database', () => {
  const lmdb = jest.requireActual<typeof lmdbModule>(
    '../../../lib/drivers/encrypted-file/lmdb/database',
  );
  return {
    ...lmdb,
    openDatabase: (path: string) => {
      const database = lmdb.openDatabase(path);
      mockAfterOpening();
      return database;
    },
  };
});

const store = useStore();
const lockFiles: number[] = [];

// After the managers: closing a lock file releases the locks of the process on it.
afterEach(() => {
  mockAfterOpening = () => undefined;
  for (const lockFile of lockFiles.splice(0)) closeSync(lockFile);
});

/**
 * Does what LMDB does late in a process that opens the store: it stores the last commit that it saw when it began. The
 * other processes have made `commits` since.
 */
function finishOpening(commits: number): void {
  const lockFile = openSync(`${store.path}-lock`, 'r+');
  lockFiles.push(lockFile);
  const last = Buffer.alloc(8);
  readSync(lockFile, last, 0, 8, LAST_COMMIT);
  last.writeBigUInt64LE(last.readBigUInt64LE() - BigInt(commits));
  writeSync(lockFile, last, 0, 8, LAST_COMMIT);
}

describe.each([1, 2, 3])('a store with %d commits while a process opened it', (commits) => {
  /** Writes in a process that ends. */
  async function writeElsewhere(): Promise<void> {
    const other = await store.opened();
    for (let number = 1; number <= commits; number++) {
      await other.writeSecret('KEY', `value ${number}`);
    }
    await other.close();
  }

  it('keeps them when a process writes that prepared its commit before', async () => {
    await store.manager.writeSecret('KEY', 'value 0');
    const commit: Writer['commit'] = Reflect.get(Writer.prototype, 'commit');
    jest.spyOn(Writer.prototype, 'commit').mockImplementationOnce(async function (
      this: Writer,
      ...args
    ) {
      await writeElsewhere();
      finishOpening(commits);
      return await commit.apply(this, args);
    });

    await store.manager.writeSecret('OTHER', 'value');

    expect(await store.valueOf('KEY')).toBe(`value ${commits}`);
    expect(await store.valueOf('OTHER')).toBe('value');
    await expect(store.manager.checkHealth()).resolves.toBe(true);
  });

  it('keeps them, and takes the next writes', async () => {
    await store.manager.writeSecret('KEY', 'value 0');
    await writeElsewhere();
    finishOpening(commits);

    for (let number = 0; number < 5; number++) {
      await store.manager.writeSecret(`OTHER_${number}`, 'value');

      expect(await store.valueOf(`OTHER_${number}`)).toBe('value');
    }
    expect(await store.valueOf('KEY')).toBe(`value ${commits}`);
  });

  it('keeps them when the process that opened it writes', async () => {
    await writeElsewhere();
    mockAfterOpening = () => {
      mockAfterOpening = () => undefined;
      finishOpening(commits);
    };

    await store.manager.writeSecret('OTHER', 'value');

    expect(await store.valueOf('KEY')).toBe(`value ${commits}`);
    expect(await store.valueOf('OTHER')).toBe('value');
  });
});

it('fails if another manager of the process keeps LMDB open, and succeeds after that', async () => {
  await store.manager.writeSecret('KEY', 'value');
  const other = await store.opened();
  await other.writeSecret('KEY', 'newer');
  finishOpening(1);

  const error = await failureOf(store.manager.writeSecret('OTHER', 'value'));

  expect(error).toMatchObject({ code: 'UNAVAILABLE' });
  expect(error.message).toContain('Nothing was written');
  expect(await store.valueOf('KEY')).toBe('newer');
  await other.close();
  await store.manager.writeSecret('OTHER', 'value');
  expect(await store.valueOf('OTHER')).toBe('value');
});
