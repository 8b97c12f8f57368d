import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { install } from '../../../lib/drivers/encrypted-file/store/installation';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';

afterEach(() => removeTemporaryFolders());

const CHANGES = {
  replaces: 0,
  changes: 0,
  header: '',
  head: { key: Buffer.from('head'), bytes: Buffer.from('the new store'), token: 1 },
  puts: [],
};

describe('the installation of a store', () => {
  it('is retried until no other process changes the old store', async () => {
    const path = join(temporaryFolder(), 'secrets');
    writeFileSync(path, 'old');
    const isOld = (): boolean => readFileSync(path, 'utf8') === 'old';
    let changed = 15;

    await install(path, {
      findSource: () => isOld() || undefined,
      build: () => CHANGES,
      backUp: () => changed-- <= 0,
    });

    expect(readFileSync(path, 'latin1')).toContain('the new store');
    expect(readdirSync(dirname(path))).toEqual(['secrets']);
  });
});
