import { type KeyOptions } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { execFileSync } from 'node:child_process';
import crypto, { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { everythingOf, failureOf } from '../../support/failure-of';
import { temporaryFolder } from '../../support/temporary-folder';

const CANARY = 'sk-canary-of-the-store-91ab';
const store = useStore();

describe('the key of a store', () => {
  it.each<[string, (bytes: Buffer) => KeyOptions]>([
    ['bytes', (bytes) => ({ key: new Uint8Array(bytes) })],
    ['base64', (bytes) => ({ key: bytes.toString('base64') })],
    ['base64url', (bytes) => ({ key: bytes.toString('base64url') })],
    ['hex', (bytes) => ({ key: bytes.toString('hex') })],
    ['upper case hex', (bytes) => ({ key: bytes.toString('hex').toUpperCase() })],
    ['a file of bytes', (bytes) => keyFileWith(bytes)],
    ['a file of base64', (bytes) => keyFileWith(bytes.toString('base64'))],
    [
      'a file of base64 with a line break',
      (bytes) => keyFileWith(`${bytes.toString('base64')}\r\n`),
    ],
    [
      'a file of base64 with a byte order mark',
      (bytes) => keyFileWith(`\ufeff${bytes.toString('base64')}\n`),
    ],
    ['a file of hex', (bytes) => keyFileWith(`${bytes.toString('hex')}\n`)],
  ])('may be given as %s', async (_, options) => {
    await store.manager.writeSecret('KEY', 'value');
    await store.manager.close();

    await store.reopen(options(store.key));

    expect(await store.valueOf('KEY')).toBe('value');
  });

  it('is created as text, readable only by its owner, for a new store', async () => {
    const folder = temporaryFolder();
    const options = { path: join(folder, 'secrets'), keyFile: join(folder, 'secrets.key') };

    await store.opened(options);

    const text = readFileSync(options.keyFile, 'utf8');
    expect(Buffer.from(text, 'base64')).toHaveLength(32);
    expect(text).toMatch(/^[\w+/]{43}=\n$/);
    expect(statSync(options.keyFile).mode & 0o777).toBe(0o600);
  });

  it('is never created again for an existing store', async () => {
    const keyFile = join(dirname(store.path), 'lost.key');
    const before = readFileSync(store.path);

    const error = await failureOf(store.opened({ keyFile }));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('missing'),
    });
    expect(existsSync(keyFile)).toBe(false);
    expect(readFileSync(store.path)).toEqual(before);
  });

  it.each([
    '',
    'short',
    `${'ab'.repeat(32)}!`,
    'words of thirty-two characters, ',
    'x'.repeat(5_000),
  ])('is refused without a quote if its file holds %j', async (content) => {
    const options = keyFileWith(content);

    const error = await failureOf(store.opened(options));

    expect(error.code).toBe('MISCONFIGURED');
    expect(everythingOf(error)).not.toContain(content || 'undefined');
    expect(readFileSync(options.keyFile, 'utf8')).toBe(content);
  });

  it('is a copy: overwriting the original changes nothing, and close does not overwrite the original', async () => {
    const given = Buffer.from(store.key);
    const other = store.unopened({ key: given });
    given.fill(1);
    await other.validateEnvironment();
    await other.writeSecret('KEY', 'value');
    await other.close();

    expect(given).toEqual(Buffer.alloc(32, 1));
    expect(await store.valueOf('KEY')).toBe('value');
  });

  it('may come from a passphrase, and the file holds only salt and cost', async () => {
    store.path = join(temporaryFolder(), 'secrets');
    const other = await store.opened({ passphrase: CANARY });
    await other.writeSecret('KEY', 'value');

    const sync = store.unopened({ passphrase: CANARY });
    const value = sync.readSecretSync('KEY')?.value;

    expect(value).toBe('value');
    const content = readFileSync(store.path, 'latin1');
    expect(content).toMatch(
      /"derivation":\{"from":"passphrase","salt":"[^"]{44}","cost":32768,"blockSize":8,"parallelization":3\}/,
    );
    expect(content).not.toContain(CANARY);
  });

  it('is derived from a passphrase once for concurrent reads', async () => {
    store.path = join(temporaryFolder(), 'secrets');
    await store.opened({ passphrase: 'a passphrase' });
    const other = store.unopened({ passphrase: 'a passphrase' });
    const derivations = [jest.spyOn(crypto, 'scrypt'), jest.spyOn(crypto, 'scryptSync')];

    await Promise.all(Array.from({ length: 20 }, () => other.readSecret('KEY')));
    other.readSecretSync('KEY');

    expect(derivations.map(({ mock }) => mock.calls.length)).toEqual([1, 0]);
  });

  it.each<[string, KeyOptions]>([
    ['another key', { key: randomBytes(32) }],
    ['a passphrase', { passphrase: CANARY }],
  ])('is MISCONFIGURED if it is %s, and the store stays unchanged', async (_, options) => {
    await store.manager.writeSecret('KEY', CANARY);
    const before = readFileSync(store.path);
    const other = store.unopened({ ...options });

    const failures = [
      await failureOf(other.validateEnvironment()),
      await failureOf(other.readSecret('KEY')),
      await failureOf(() => other.readSecretSync('KEY')),
      await failureOf(other.writeSecret('KEY', 'value')),
      await failureOf(other.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(5).fill({ code: 'MISCONFIGURED' }));
    expect(failures.map(everythingOf).join()).not.toContain(CANARY);
    expect(readFileSync(store.path)).toEqual(before);
  });

  it('is MISCONFIGURED for a store with a passphrase if it is a key or another passphrase', async () => {
    store.path = join(temporaryFolder(), 'secrets');
    await store.opened({ passphrase: 'a passphrase' });

    const errors = [
      await failureOf(store.opened({ key: store.key })),
      await failureOf(store.opened({ passphrase: 'another one' })),
    ];

    expect(errors).toMatchObject([{ code: 'MISCONFIGURED' }, { code: 'MISCONFIGURED' }]);
    expect(errors[0]?.message).toContain('Give `passphrase`');
  });

  it.each<[string, (keyFile: string) => unknown]>([
    ['a folder', (keyFile) => mkdirSync(keyFile)],
    ['a pipe', (keyFile) => execFileSync('mkfifo', [keyFile])],
    ['a device', (keyFile) => symlinkSync('/dev/zero', keyFile)],
  ])('is MISCONFIGURED without blocking if its file is %s', async (_, put) => {
    const keyFile = join(dirname(store.path), 'key');
    put(keyFile);
    const other = store.unopened({ keyFile });

    const failures = [
      await failureOf(other.validateEnvironment()),
      await failureOf(other.readSecret('KEY')),
      await failureOf(() => other.readSecretSync('KEY')),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'MISCONFIGURED' }));
    expect(failures[0]?.message).toContain('is not a file');
  });

  it.each<[string, object, string[]]>([
    ['none', {}, ['exactly one of']],
    [
      'one that is misspelt',
      { key: 'ab'.repeat(32), passPhrase: CANARY, keyfile: CANARY },
      ['"passPhrase" is not an option', '"keyfile" is not an option'],
    ],
    [
      'two',
      { key: CANARY, passphrase: CANARY },
      ['`key` and `passphrase`', '`key` must be 32 bytes'],
    ],
    ['a short one', { key: Buffer.alloc(31) }, ['`key` must be 32 bytes']],
    ['a sentence', { key: 'correct horse battery staple, 32' }, ['are a `passphrase`']],
    [
      'the bytes of a sentence',
      { key: Buffer.from('correct horse battery staple, 32') },
      ['are a `passphrase`'],
    ],
    ['a choice that is none', { key: 'ab'.repeat(32), create: 'no' }, ['`create` must be']],
    ['a number', { key: 5 }, ['`key` must be 32 bytes']],
    ['an empty file name', { keyFile: '' }, ['`keyFile` must be the path']],
    ['an empty passphrase', { passphrase: '' }, ['`passphrase` must be a text']],
    [
      'no path',
      { path: undefined, key: 'x' },
      ['`path` must be the path', '`key` must be 32 bytes'],
    ],
    ['its own store', { path: '/a', keyFile: '/a' }, ['must be different files']],
    ['its own store, spelt otherwise', { path: '/a', keyFile: '/b/../a' }, ['must be different']],
  ])('is refused with every problem, and quoted nowhere: %s', async (_, options, problems) => {
    const other = store.unopened(options);

    const failures = [
      await failureOf(other.validateEnvironment()),
      await failureOf(other.readSecret('KEY')),
      await failureOf(() => other.readSecretSync('KEY')),
      await failureOf(other.writeSecret('KEY', 'value')),
    ];

    expect(failures).toMatchObject(Array(4).fill({ code: 'MISCONFIGURED' }));
    for (const problem of problems) expect(failures[0]?.message).toContain(problem);
    expect(failures.map(everythingOf).join()).not.toContain(CANARY);
  });

  it('is not visible in a manager', async () => {
    await store.manager.writeSecret('KEY', CANARY);
    await store.manager.readSecret('KEY');
    const other = store.unopened({ passphrase: CANARY });

    const seen =
      everythingOf(store.manager) + everythingOf(other) + JSON.stringify({ ...store.manager });

    for (const canary of [
      CANARY,
      store.key.toString('base64'),
      store.key.toString('hex'),
      store.path,
    ]) {
      expect(seen).not.toContain(canary);
    }
  });

  function keyFileWith(content: string | Buffer): { keyFile: string } {
    const keyFile = join(temporaryFolder(), 'store.key');
    writeFileSync(keyFile, content);
    return { keyFile };
  }
});
