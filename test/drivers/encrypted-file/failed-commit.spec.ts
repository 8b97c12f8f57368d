import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type * as lmdbModule from '../../../lib/drivers/encrypted-file/lmdb/database';
import { Writer } from '../../../lib/drivers/encrypted-file/store/writer';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';
import { temporaryFolder } from '../../support/temporary-folder';

const mockClose = jest.fn();
let mockIsBroken = false;
jest.mock('../../../lib/drivers/encrypted-file/lmdb/database', () => {
  const lmdb = jest.requireActual<typeof lmdbModule>(
    '../../../lib/drivers/encrypted-file/lmdb/database',
  );
  const broken = {
    transaction: () => Promise.reject(new Error('failed')),
    transactionSync: () => true,
    close: () => void mockClose(),
  };
  return {
    ...lmdb,
    openDatabase: (path: string) => (mockIsBroken ? broken : lmdb.openDatabase(path)),
  };
});

const store = useStore();

describe('a commit that LMDB fails to write', () => {
  it('is the last one of the process, because LMDB is not used again', async () => {
    const commit = jest.spyOn(Writer.prototype, 'commit');
    mockIsBroken = true;

    const errors = [
      await failureOf(store.manager.writeSecret('KEY', 'value')),
      await failureOf(store.manager.writeSecret('KEY', 'value')),
    ];
    await store.manager.close();

    mockIsBroken = false;
    expect(commit).toHaveBeenCalledTimes(2);
    expect(errors).toMatchObject(Array(2).fill({ code: 'UNAVAILABLE' }));
    expect(errors[1]?.message).toContain('start the process again');
    expect(mockClose).not.toHaveBeenCalled();
  });

  it('does not end the process', () => {
    const [typescript, script] = ['register-typescript.cjs', 'fail-commit.process.cjs'].map(
      (file) => join(__dirname, '../../support', file),
    );
    const args = ['-r', `${typescript}`, `${script}`, join(temporaryFolder(), 'data')];

    const printed = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: 'pipe' });

    expect(printed).toBe('rejected');
  }, 20_000);
});
