import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EncryptedFileWriter } from '../support/encrypted-file-writer';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const KILLS = 500;
const LANES = ['A', 'B', 'C', 'D'];
const LONGEST_LIFE_MS = 25;
const NAMES_OF_A_WRITER = 5;

describe('an encrypted file that several processes share', () => {
  let path: string;
  let key: string;
  let manager: EncryptedFileSecretManager;

  beforeEach(async () => {
    path = join(temporaryFolder(), 'secrets');
    key = randomBytes(32).toString('hex');
    manager = new EncryptedFileSecretManager({ path, key });
    await manager.validateEnvironment();
  });

  afterEach(async () => {
    await manager.close();
    removeTemporaryFolders();
  });

  const numberOf = async (secretName: string): Promise<number | undefined> => {
    const reading = await manager.readSecret(secretName);
    return reading && Number(reading.value.split(' ')[0]);
  };

  it(`is whole, and holds every write that was acknowledged, after each of ${KILLS} kills`, async () => {
    let killed = 0;
    const lost: string[] = [];

    /** Kills one writer after the other during its writes, while the other lanes continue. */
    const killOnAndOn = async (prefix: string): Promise<number> => {
      const expected = new Map<string, number>();
      let next = 0;
      while (killed < KILLS) {
        const writer = new EncryptedFileWriter({ path, key, prefix, first: next });
        await writer.begins();
        await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_LIFE_MS));
        writer.kill();
        killed++;
        for (const number of await writer.ends()) {
          expected.set(`${prefix}_${number % NAMES_OF_A_WRITER}`, number);
          next = number + 1;
        }
        const underWay = `${prefix}_${next % NAMES_OF_A_WRITER}`;
        if ((await numberOf(underWay)) === next) expected.set(underWay, next);
        for (const [name, number] of expected) {
          const found = await numberOf(name);
          if (found !== number) lost.push(`${name}: ${found}, not ${number}`);
        }
        next += NAMES_OF_A_WRITER; // the write in flight may have succeeded, and must not be confused with the next one
      }
      return next;
    };
    const written = await Promise.all(LANES.map(killOnAndOn));
    await manager.writeSecret('LAST', 'value');

    expect(lost).toEqual([]);
    expect(written.every((count) => count > NAMES_OF_A_WRITER)).toBe(true);
    expect(readdirSync(dirname(path))).toEqual(['secrets', 'secrets-lock']);
  }, 900_000);

  it('loses no concurrent write of two processes', async () => {
    const count = 150;
    const writers = ['A', 'B'].map(
      (prefix) => new EncryptedFileWriter({ path, key, prefix, count, createOnly: true }),
    );

    const acknowledged = await Promise.all(writers.map((writer) => writer.ends()));

    const names = ['A', 'B'].flatMap((prefix) =>
      Array.from({ length: count }, (_, index) => `${prefix}_${index}`),
    );
    const readings = await Promise.all(names.map((name) => manager.readSecret(name)));
    expect(acknowledged.map(({ length }) => length)).toEqual([count, count]);
    expect(readings.filter((reading) => reading === undefined)).toStrictEqual([]);
    expect(new Set(readings.map((reading) => reading?.version)).size).toBe(2 * count);
  }, 60_000);

  it('lets one of two processes win a createOnly race', async () => {
    const count = 100;
    const writers = [1, 2].map(
      () => new EncryptedFileWriter({ path, key, prefix: 'SAME', count, createOnly: true }),
    );

    const won = await Promise.all(writers.map((writer) => writer.ends()));

    const numbers = Array.from({ length: count }, (_, index) => index);
    expect(won.flat().sort((a, b) => a - b)).toEqual(numbers);
  }, 60_000);
});
