import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { temporaryFolder } from '../../support/temporary-folder';

const store = useStore();

describe('a store that several processes share', () => {
  it('has the writes of another process at once', async () => {
    const other = await store.opened();
    for (let round = 0; round < 50; round++) {
      await other.writeSecret('KEY', `value ${round}`);

      expect(await store.valueOf('KEY')).toBe(`value ${round}`);
    }
  });

  it('has the content of a replacement at once, even of the same size and time', async () => {
    await store.manager.writeSecret('KEY', 'a');
    const a = readFileSync(store.path);
    await store.manager.writeSecret('KEY', 'b');
    const b = readFileSync(store.path);

    for (let round = 0; round < 50; round++) {
      const other = store.unopened();
      writeFileSync(store.path, a);
      expect(other.readSecretSync('KEY')?.value).toBe('a');
      writeFileSync(store.path, b);
      expect((await other.readSecret('KEY'))?.value).toBe('b');
    }
  });

  it('loses none of a hundred concurrent writes', async () => {
    const others = [store.manager, await store.opened(), await store.opened()];
    const names = Array.from({ length: 100 }, (_, index) => `KEY_${index}`);

    const writes = others.flatMap((other, offset) =>
      names
        .filter((_, index) => index % others.length === offset)
        .map((name) => other.writeSecret(name, `value of ${name}`)),
    );
    await Promise.all(writes);

    const reread = await store.opened();
    const readings = await Promise.all(names.map((name) => reread.readSecret(name)));
    expect(readings.map((reading) => reading?.value)).toStrictEqual(
      names.map((name) => `value of ${name}`),
    );
    expect(new Set(readings.map((reading) => reading?.version)).size).toBe(names.length);
  });

  it('is opened by a second manager while the first one commits', () => {
    const [typescript, script] = ['register-typescript.cjs', 'open-during-commit.process.cjs'].map(
      (file) => join(__dirname, '../../support', file),
    );
    const args = ['-r', `${typescript}`, `${script}`, store.path, store.key.toString('hex'), '6'];

    const printed = execFileSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 30_000,
      killSignal: 'SIGKILL', // a main thread that waits for the lock handles no other signal
    });

    expect(JSON.parse(printed)).toEqual(
      ['1', '2', '3', '4', '5', '6'].map((round) => [round, round]),
    );
  }, 40_000);

  it('lets one of several win a createOnly race', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => store.opened()));

    const outcomes = await Promise.allSettled(
      others.map((other, index) => other.writeSecret('KEY', `of ${index}`, { createOnly: true })),
    );

    const lost = outcomes.filter(({ status }) => status === 'rejected');
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(lost).toMatchObject(Array(3).fill({ reason: { code: 'CONFLICT' } }));
    expect(await store.valueOf('KEY')).toBe(`of ${winner}`);
  });

  it('is created once, with one key, by concurrent starts', async () => {
    const folder = join(temporaryFolder(), 'made/with/it');
    const options = { path: join(folder, 'secrets'), keyFile: join(folder, 'secrets.key') };
    const others = await Promise.all(Array.from({ length: 4 }, () => store.opened(options)));

    await Promise.all(others.map((other, index) => other.writeSecret(`KEY_${index}`, 'value')));

    const reread = await store.opened(options);
    const names = Array.from({ length: 4 }, (_, index) => `KEY_${index}`);
    const readings = [...(await reread.readSecrets(names)).values()];
    expect(readings).toMatchObject(Array(4).fill({ value: 'value' }));
    expect(readdirSync(folder).sort()).toEqual(['secrets', 'secrets-lock', 'secrets.key']);
  });
});

describe('a store at a relative path', () => {
  const startedIn = process.cwd();
  afterEach(() => process.chdir(startedIn));

  it('stays in place, with its key, when the working directory changes', async () => {
    process.chdir(temporaryFolder());
    const other = new EncryptedFileSecretManager({ path: 'store', keyFile: 'store.key' });
    await other.validateEnvironment();
    await other.writeSecret('KEY', 'value');
    const late = new EncryptedFileSecretManager({ path: 'store', keyFile: 'store.key' });

    process.chdir(temporaryFolder());

    expect(await other.readSecret('KEY')).toMatchObject({ value: 'value' });
    expect(await late.readSecret('KEY')).toMatchObject({ value: 'value' });
  });
});
