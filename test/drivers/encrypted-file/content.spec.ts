import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';

const CANARY = 'sk-canary-of-the-store-91ab';
const DAY_MS = 86_400_000;
const store = useStore();

describe('an encrypted file', () => {
  it('keeps secrets beyond the life of its manager', async () => {
    await store.manager.writeSecret('KEY', 'value', {
      description: 'of the test',
      tags: { a: 'b' },
    });
    await store.manager.close();

    await store.reopen();

    expect(await store.valueOf('KEY')).toBe('value');
    expect(await store.manager.describeSecret('KEY')).toEqual({
      description: 'of the test',
      tags: { a: 'b' },
    });
  });

  it('discloses no value, description, tag or name', async () => {
    await store.manager.writeSecret(CANARY, CANARY, {
      description: CANARY,
      tags: { [CANARY]: CANARY },
    });

    const content = readFileSync(store.path, 'latin1');

    for (const form of [
      CANARY,
      Buffer.from(CANARY).toString('base64'),
      store.key.toString('base64'),
    ]) {
      expect(content).not.toContain(form.slice(2, -4));
    }
  });

  it('is readable only by its owner, like its lock file', async () => {
    await store.manager.writeSecret('KEY', 'value');

    const modes = [store.path, `${store.path}-lock`].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
    expect(readdirSync(dirname(store.path))).toEqual(['secrets', 'secrets-lock']);
  });

  it('is written through a link, which stays a link', async () => {
    symlinkSync(store.path, `${store.path}-link`);
    const other = await store.opened({ path: `${store.path}-link`, key: store.key });

    await other.writeSecret('KEY', 'value');

    expect(await store.valueOf('KEY')).toBe('value');
  });

  it.each(['__proto__', 'constructor', 'a name', 'team/KEY', 'klíč-🔑', 'a\nb', '\ud800'])(
    'keeps a secret with the name %j',
    async (name) => {
      await store.manager.writeSecret(name, 'value');

      expect([await store.valueOf(name), await store.valueOf('\ud801')]).toStrictEqual([
        'value',
        undefined,
      ]);
    },
  );

  it('keeps a lone surrogate unchanged', async () => {
    await store.manager.writeSecret('KEY', 'a\ud800b');

    expect(await store.valueOf('KEY')).toBe('a\ud800b');
  });

  it('counts its versions, so that none repeats', async () => {
    const { version: first } = await store.manager.writeSecret('KEY', 'one');
    await store.manager.deleteSecret('KEY', { recoveryWindowInDays: 0 });
    const { version: second } = await store.manager.writeSecret('KEY', 'two');

    const reading = await store.manager.readSecret('KEY');

    expect([first, second, reading?.version]).toEqual(['1', '3', '3']);
  });

  it('keeps the time at which a secret was created', async () => {
    const { createdAt } = await store.manager.writeSecret('KEY', 'one');
    jest.useFakeTimers({ now: Date.now() + DAY_MS, doNotFake: ['nextTick', 'setImmediate'] });

    const metadata = await store.manager.writeSecret('KEY', 'two');

    expect(metadata.createdAt).toEqual(createdAt);
  });

  it('replaces given metadata as a whole, and keeps the rest', async () => {
    await store.manager.writeSecret('KEY', 'one', {
      description: 'first',
      tags: { a: '1', b: '2' },
    });
    await store.manager.writeSecret('KEY', 'two', { tags: { c: '3' } });

    expect(await store.manager.describeSecret('KEY')).toEqual({
      description: 'first',
      tags: { c: '3' },
    });
  });

  it('is not written if nothing changes', async () => {
    const before = readFileSync(store.path);
    await store.manager.deleteSecret('ABSENT');
    await store.manager.deleteSecret('ABSENT', { recoveryWindowInDays: 0 });

    expect(readFileSync(store.path)).toEqual(before);
  });

  it('refuses params, because it has neither versions nor tenants', async () => {
    const options = { params: { version: '1' } };

    const failures = [
      await failureOf(store.manager.readSecret('KEY', options)),
      await failureOf(() => store.manager.readSecretSync('KEY', options)),
      await failureOf(store.manager.writeSecret('KEY', 'value', options)),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'INVALID_ARGUMENT' }));
  });

  it('refuses a value that is too large, and stays unchanged', async () => {
    await store.manager.writeSecret('KEY', 'value');

    const error = await failureOf(store.manager.writeSecret('KEY', 'x'.repeat(2 ** 26)));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toContain('Nothing was written');
    expect(await store.valueOf('KEY')).toBe('value');
  }, 60_000);

  it('keeps a value of many pages', async () => {
    const value = randomBytes(3_000_000).toString('base64');

    await store.manager.writeSecret('KEY', value);

    expect(await store.valueOf('KEY')).toBe(value);
  });

  it('lists its secrets by name, and decrypts no value', async () => {
    await store.manager.writeSecret('B', 'value');
    await store.manager.writeSecret('A', 'value');
    await store.manager.deleteSecret('B');

    const secrets = await store.manager.listSecrets();

    expect(secrets).toEqual([
      { name: 'A', version: '2' },
      { name: 'B', version: '1', deletionAt: expect.any(Date) },
    ]);
  });
});
