import { useStore } from '../../support/encrypted-file';
import { EncryptedFileWriter } from '../../support/encrypted-file-writer';

const KILLS = 20;
const NAMES_OF_A_WRITER = 5;
const store = useStore();

describe('a store with killed writers', () => {
  it(`holds every write that was acknowledged, after each of ${KILLS} kills`, async () => {
    const options = { path: store.path, key: store.key.toString('hex'), prefix: 'KEY' };
    const expected = new Map<string, number>();
    const lost: string[] = [];
    let next = 0;

    for (let kill = 0; kill < KILLS; kill++) {
      const writer = new EncryptedFileWriter({ ...options, first: next, fromSource: true });
      await writer.begins();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      writer.kill();
      for (const number of await writer.ends()) {
        expected.set(`KEY_${number % NAMES_OF_A_WRITER}`, number);
        next = number + 1;
      }
      const underWay = `KEY_${next % NAMES_OF_A_WRITER}`;
      if (Number((await store.valueOf(underWay))?.split(' ')[0]) === next) {
        expected.set(underWay, next);
      }
      for (const [name, number] of expected) {
        const found = Number((await store.valueOf(name))?.split(' ')[0]);
        if (found !== number) lost.push(`${name}: ${found}, not ${number}`);
      }
      next += NAMES_OF_A_WRITER; // the write in flight may have succeeded
    }
    await store.manager.writeSecret('LAST', 'value');

    expect(lost).toEqual([]);
    expect(next).toBeGreaterThan(KILLS * NAMES_OF_A_WRITER);
    await expect(store.manager.checkHealth()).resolves.toBe(true);
  }, 120_000);
});
