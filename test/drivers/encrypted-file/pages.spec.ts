import { isSecretManagerError } from 'nestjs-custom-secret-manager';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertSound } from '../../../lib/drivers/encrypted-file/pages/soundness';
import { readSnapshot } from '../../../lib/drivers/encrypted-file/store/snapshot';
import { useStore } from '../../support/encrypted-file';
import { randomOf } from '../../support/virtual-time';

const SECRETS = 60;
const PAGE_BYTES = 4_096;
const store = useStore();

const nameOf = (index: number): string => `SECRET_${index}`;
const valueOf = (index: number): string => `value ${index} ${'x'.repeat(index * 100)}`;

describe('a file of pages', () => {
  beforeEach(async () => {
    const indices = Array.from({ length: SECRETS }, (_, index) => index);
    await Promise.all(
      indices.map((index) => store.manager.writeSecret(nameOf(index), valueOf(index))),
    );
  });

  it('stays sound after any writes and deletions', async () => {
    for (let round = 0; round < 40; round++) {
      const index = (round * 7) % SECRETS;
      if (round % 3 === 0) {
        await store.manager.deleteSecret(nameOf(index), { recoveryWindowInDays: 0 });
      } else await store.manager.writeSecret(nameOf(index), valueOf(round));

      expect(() => readSnapshot(store.path, assertSound)).not.toThrow();
    }
  });

  it('returns the written value or MALFORMED, whichever bytes were changed', () => {
    const content = readFileSync(store.path);
    const random = randomOf(1);
    const wrong: unknown[] = [];
    let found = 0;

    for (let round = 0; round < 400; round++) {
      const changed = Buffer.from(content);
      for (let flips = 0; flips < 1 + (round % 5); flips++) {
        const page = Math.floor((random() * content.length) / PAGE_BYTES) * PAGE_BYTES;
        const inPage = Math.floor(random() * (round % 2 ? 100 : PAGE_BYTES)); // headers and pointers come first
        changed[page + inPage] = Math.floor(random() * 256);
      }
      writeFileSync(store.path, changed);
      const index = round % SECRETS;
      try {
        const value = store.manager.readSecretSync(nameOf(index))?.value;
        if (value !== valueOf(index)) wrong.push([round, value?.slice(0, 20)]);
      } catch (error) {
        const code = isSecretManagerError(error) ? error.code : error;
        if (code === 'MALFORMED' || code === 'MISCONFIGURED') found++;
        else wrong.push([round, code]);
      }
    }

    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(0);
  });

  it('returns the written value or MALFORMED, wherever it was truncated', () => {
    const content = readFileSync(store.path);
    const wrong: unknown[] = [];

    for (let length = 0; length < content.length; length += 1_024) {
      writeFileSync(store.path, content.subarray(0, length));
      for (const index of [0, 30, SECRETS - 1]) {
        try {
          const value = store.manager.readSecretSync(nameOf(index))?.value;
          if (value !== valueOf(index)) wrong.push([length, index]);
        } catch (error) {
          if (!isSecretManagerError(error) || error.code !== 'MALFORMED') wrong.push(error);
        }
      }
    }

    expect(wrong).toEqual([]);
  });

  it('does not crash a process that opens it for writing, whichever bytes were changed', () => {
    const [typescript, script] = ['register-typescript.cjs', 'write-to-damaged.process.cjs'].map(
      (file) => join(__dirname, '../../support', file),
    );
    const args = ['-r', `${typescript}`, `${script}`, store.path, store.key.toString('hex'), '40'];

    const printed = execFileSync(process.execPath, args, { encoding: 'utf8' });

    expect(JSON.parse(printed)).toEqual({ rounds: 40, wrong: [] });
  }, 60_000);
});
