import { readFileSync, writeFileSync } from 'node:fs';
import { seal } from '../../../lib/drivers/encrypted-file/seals/sealing';
import { useStore } from '../../support/encrypted-file';
import { storeOfFormat1 } from '../../support/format-1';
import { thrownBy } from '../../support/thrown-by';

const store = useStore();

describe('a store that is closed', () => {
  it('waits for a takeover in flight', async () => {
    const secret = {
      name: 'KEY',
      version: '1',
      value: 'value',
      createdAt: new Date().toISOString(),
    };
    writeFileSync(store.path, storeOfFormat1({ key: store.key }, 1, [secret]));
    const manager = store.unopened();
    const opening = manager.validateEnvironment();

    await manager.close();

    await expect(opening).resolves.toBeUndefined();
    const again = await store.opened();
    expect(await again.readSecret('KEY')).toMatchObject({ value: 'value' });
    expect(readFileSync(`${store.path}.v1`, 'utf8')).toContain('"formatVersion":1');
  });

  it('encrypts nothing with an overwritten key', () => {
    const thrown = thrownBy(() => seal(Buffer.alloc(32), 'place', Buffer.from('content')));

    expect(thrown).toMatchObject({ code: 'UNAVAILABLE' });
  });
});
