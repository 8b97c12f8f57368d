import fs, { readFileSync } from 'node:fs';
import { useStore } from '../../support/encrypted-file';

const PAGE_BYTES = 4_096;
const META_BYTES = 168;
const TRANSACTION = { start: 152, end: 160 };
const store = useStore();

/** Returns the bytes of both meta pages. */
function metaPages(): readonly [Buffer, Buffer] {
  const content = readFileSync(store.path);
  return [content.subarray(0, META_BYTES), content.subarray(PAGE_BYTES, PAGE_BYTES + META_BYTES)];
}

describe('a meta page that a commit writes', () => {
  it('is read again if the reading has some of the old bytes', async () => {
    await store.manager.writeSecret('KEY', 'older');
    await store.manager.writeSecret('KEY', 'old');
    const before = metaPages();
    await store.manager.writeSecret('KEY', 'new');
    const after = metaPages();
    const written = after[0].equals(before[0]) ? 1 : 0;
    const mixture = Buffer.from(before[written]);
    after[written].copy(mixture, TRANSACTION.start, TRANSACTION.start, TRANSACTION.end);
    const { readSync } = fs;
    let mixtures = 0;
    const readOrMix = (descriptor: number, bytes: Buffer, ...place: number[]): number => {
      const [offset = 0, length = 0, position = 0] = place;
      const isMixed = position === written * PAGE_BYTES && length === META_BYTES && mixtures === 0;
      if (!isMixed) return readSync(descriptor, bytes, offset, length, position);
      mixtures++;
      return mixture.copy(bytes, offset);
    };
    jest.spyOn(fs, 'readSync').mockImplementation(readOrMix as typeof readSync);

    const reading = store.unopened().readSecretSync('KEY');

    expect(reading?.value).toBe('new');
    expect(mixtures).toBe(1);
  });
});
