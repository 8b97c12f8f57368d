import {
  EncryptedFileSecretManager,
  type EncryptedFileSecretManagerOptions,
  type KeyOptions,
} from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { execFileSync } from 'node:child_process';
import crypto, { randomBytes } from 'node:crypto';
import fs, {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { everythingOf, failureOf } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const CANARY = 'sk-canary-of-the-store-91ab';
const DAY_MS = 86_400_000;

let path: string;
let key: Buffer;
let manager: EncryptedFileSecretManager;

beforeEach(async () => {
  path = join(temporaryFolder(), 'secrets');
  key = randomBytes(32);
  manager = await opened();
});

afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  await manager.close();
  removeTemporaryFolders();
});

/** As another process would open the same store. */
async function opened(
  options: Partial<EncryptedFileSecretManagerOptions> = { key },
): Promise<EncryptedFileSecretManager> {
  const other = new EncryptedFileSecretManager({ path, ...options });
  await other.validateEnvironment();
  return other;
}

function lines(): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

/** Both ways to read have to agree. */
async function valueOf(secretName: string): Promise<string | undefined> {
  const reading = await manager.readSecret(secretName);
  expect(manager.readSecretSync(secretName)).toEqual(reading);
  return reading?.value;
}

describe('an encrypted file', () => {
  it('keeps what was written beyond the life of its manager', async () => {
    await manager.writeSecret('KEY', 'value', { description: 'of the test', tags: { a: 'b' } });
    await manager.close();

    manager = await opened();

    expect(await valueOf('KEY')).toBe('value');
    expect(await manager.describeSecret('KEY')).toEqual({
      description: 'of the test',
      tags: { a: 'b' },
    });
  });

  it('shows neither values nor descriptions and tags to who reads it', async () => {
    await manager.writeSecret('KEY', CANARY, { description: CANARY, tags: { [CANARY]: CANARY } });

    const content = readFileSync(path, 'latin1');

    for (const form of [CANARY, Buffer.from(CANARY).toString('base64'), key.toString('base64')]) {
      expect(content).not.toContain(form.slice(2, -4));
    }
  });

  it('is sealed anew, with another nonce, whenever the same is written', async () => {
    await manager.writeSecret('KEY', 'value');
    const [, before = ''] = lines();
    await manager.writeSecret('KEY', 'value');

    const [, after = ''] = lines();

    const sealed = [before, after].map((line) => JSON.parse(line) as Record<string, string>);
    expect(sealed[0]?.nonce).not.toBe(sealed[1]?.nonce);
    expect(sealed[0]?.sealed).not.toBe(sealed[1]?.sealed);
  });

  it('is for its owner alone, and leaves nothing beside it', async () => {
    await manager.writeSecret('KEY', 'value');

    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(path))).toEqual(['secrets']);
  });

  it('is written through a link, which stays one', async () => {
    symlinkSync(path, `${path}-link`);
    const other = await opened({ path: `${path}-link`, key });

    await other.writeSecret('KEY', 'value');

    expect(await valueOf('KEY')).toBe('value');
  });

  it.each(['__proto__', 'constructor', 'a name', 'team/KEY', 'klíč-🔑', 'a\nb', '\ud800'])(
    'has a place for the name %j',
    async (name) => {
      await manager.writeSecret(name, 'value');

      expect([await valueOf(name), await valueOf('\ud801')]).toStrictEqual(['value', undefined]);
    },
  );

  it('keeps half of a surrogate pair, which is no text, as it is', async () => {
    await manager.writeSecret('KEY', 'a\ud800b');

    expect(await valueOf('KEY')).toBe('a\ud800b');
  });

  it('counts its versions, so that none comes twice', async () => {
    const { version: first } = await manager.writeSecret('KEY', 'one');
    await manager.deleteSecret('KEY', { recoveryWindowInDays: 0 });
    const { version: second } = await manager.writeSecret('KEY', 'two');

    const reading = await manager.readSecret('KEY');

    expect([first, second, reading?.version]).toEqual(['1', '3', '3']);
  });

  it('keeps the time at which a secret was created', async () => {
    const { createdAt } = await manager.writeSecret('KEY', 'one');
    jest.useFakeTimers({ now: Date.now() + DAY_MS, doNotFake: ['nextTick', 'setImmediate'] });

    const metadata = await manager.writeSecret('KEY', 'two');

    expect(metadata.createdAt).toEqual(createdAt);
  });

  it('merges nothing, but leaves alone what a write does not mention', async () => {
    await manager.writeSecret('KEY', 'one', { description: 'first', tags: { a: '1', b: '2' } });
    await manager.writeSecret('KEY', 'two', { tags: { c: '3' } });

    expect(await manager.describeSecret('KEY')).toEqual({ description: 'first', tags: { c: '3' } });
  });

  it('is not written where nothing changes', async () => {
    const before = readFileSync(path, 'utf8');
    await manager.deleteSecret('ABSENT');
    await manager.deleteSecret('ABSENT', { recoveryWindowInDays: 0 });

    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('takes no params, rather than to answer another version or tenant than was asked for', async () => {
    const options = { params: { version: '1' } };

    const failures = [
      await failureOf(manager.readSecret('KEY', options)),
      await failureOf(() => manager.readSecretSync('KEY', options)),
      await failureOf(manager.writeSecret('KEY', 'value', options)),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'INVALID_ARGUMENT' }));
  });

  it('refuses to grow beyond what it would read again, and stays as it is', async () => {
    await manager.writeSecret('KEY', 'value');

    const error = await failureOf(manager.writeSecret('LARGE', 'x'.repeat(2 ** 26)));

    expect(error.message).toContain('Nothing was written');
    expect([await valueOf('KEY'), await valueOf('LARGE')]).toStrictEqual(['value', undefined]);
    expect(readdirSync(dirname(path))).toEqual(['secrets']);
  }, 60_000); // seals 64 MiB
});

describe('a deleted secret', () => {
  const later = (days: number): void => {
    jest.useFakeTimers({
      now: Date.now() + days * DAY_MS,
      doNotFake: ['nextTick', 'setImmediate', 'performance'],
    });
  };

  it('is restored by a write, with description and tags', async () => {
    await manager.writeSecret('KEY', 'old', { description: 'kept', tags: { a: 'b' } });
    await manager.deleteSecret('KEY');

    await manager.writeSecret('KEY', 'new');

    expect(await valueOf('KEY')).toBe('new');
    expect(await manager.describeSecret('KEY')).toEqual({ description: 'kept', tags: { a: 'b' } });
  });

  it('is absent, and shows no description', async () => {
    await manager.writeSecret('KEY', 'value', { description: 'gone' });
    await manager.deleteSecret('KEY');

    expect(await valueOf('KEY')).toBeUndefined();
    expect(await manager.describeSecret('KEY')).toEqual({});
  });

  it('is kept for 7 days unless the call says otherwise, and not longer if it is deleted again', async () => {
    await manager.writeSecret('KEY', 'value');
    const first = await manager.deleteSecret('KEY');
    const second = await manager.deleteSecret('KEY', { recoveryWindowInDays: 30 });

    const days = (Number(first.deletionAt) - Date.now()) / DAY_MS;
    expect(days).toBeCloseTo(7, 2);
    expect(second).toEqual(first);
  });

  it.each([1e12, NaN])('is refused a window of %s days, whose end no date is', async (days) => {
    await manager.writeSecret('KEY', 'value');

    const failure = await failureOf(manager.deleteSecret('KEY', { recoveryWindowInDays: days }));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(failure.message).toContain('recoveryWindowInDays');
    expect(await valueOf('KEY')).toBe('value');
  });

  it('is kept for as many days as there are dates', async () => {
    await manager.writeSecret('KEY', 'value');

    const { deletionAt } = await manager.deleteSecret('KEY', { recoveryWindowInDays: 1e7 });

    expect((Number(deletionAt) - Date.now()) / DAY_MS).toBeCloseTo(1e7, 2);
    expect(await (await opened()).readSecret('KEY')).toBeUndefined();
  });

  it.each([0, undefined])('is gone from the file at once with a window of 0 days', async (days) => {
    await manager.writeSecret('KEY', 'value');
    if (days === undefined) await manager.deleteSecret('KEY');

    const metadata = await manager.deleteSecret('KEY', { recoveryWindowInDays: 0 });

    expect(metadata).toEqual({});
    expect(readFileSync(path, 'utf8')).not.toContain('"KEY"');
  });

  it('is removed from the file by the first write after its window', async () => {
    await manager.writeSecret('KEY', 'value', { description: 'old' });
    await manager.deleteSecret('KEY', { recoveryWindowInDays: 2 });
    later(1);
    await manager.writeSecret('OTHER', 'one');
    const within = readFileSync(path, 'utf8');
    later(1.01);

    await manager.writeSecret('OTHER', 'two');

    expect(within).toContain('"KEY"');
    expect(readFileSync(path, 'utf8')).not.toContain('"KEY"');
  });

  it('is not restored by a write after its window, but made anew', async () => {
    await manager.writeSecret('KEY', 'value', { description: 'old' });
    await manager.deleteSecret('KEY', { recoveryWindowInDays: 1 });
    later(2);

    await manager.writeSecret('KEY', 'new', { createOnly: true });

    expect(await manager.describeSecret('KEY')).toEqual({});
  });
});

describe('a store at a relative path', () => {
  const startedIn = process.cwd();
  afterEach(() => process.chdir(startedIn));

  it('stays where it is, with its key, when the process goes elsewhere', async () => {
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

describe('a store that several share', () => {
  it('shows at once what another process has written', async () => {
    const other = await opened();
    for (let round = 0; round < 50; round++) {
      await other.writeSecret('KEY', `value ${round}`);

      expect(await valueOf('KEY')).toBe(`value ${round}`);
    }
  });

  it('shows at once what was put in its place, also of the same size and in the same moment', async () => {
    await manager.writeSecret('KEY', 'a');
    const a = readFileSync(path);
    await manager.writeSecret('KEY', 'b');
    const b = readFileSync(path);

    for (let round = 0; round < 50; round++) {
      writeFileSync(path, a);
      expect(manager.readSecretSync('KEY')?.value).toBe('a');
      writeFileSync(path, b);
      expect((await manager.readSecret('KEY'))?.value).toBe('b');
    }
  });

  it('shows at once what was put in its place where the clock of the file system is too coarse to tell', async () => {
    await manager.writeSecret('KEY', 'a');
    const a = readFileSync(path);
    await manager.writeSecret('KEY', 'b');
    const standingStill = statSync(path, { bigint: true });
    for (const method of ['statSync', 'fstatSync'] as const) {
      jest.spyOn(fs, method).mockReturnValue(standingStill);
    }
    const before = manager.readSecretSync('KEY')?.value;

    writeFileSync(path, a);

    expect([before, manager.readSecretSync('KEY')?.value]).toEqual(['b', 'a']);
  });

  it('loses none of a hundred writes at once', async () => {
    const others = [manager, await opened(), await opened()];
    const names = Array.from({ length: 100 }, (_, index) => `KEY_${index}`);

    const writes = others.flatMap((other, offset) =>
      names
        .filter((_, index) => index % others.length === offset)
        .map((name) => other.writeSecret(name, `value of ${name}`)),
    );
    await Promise.all(writes);

    const reread = await opened();
    const readings = await Promise.all(names.map((name) => reread.readSecret(name)));
    expect(readings.map((reading) => reading?.value)).toStrictEqual(
      names.map((name) => `value of ${name}`),
    );
    expect(new Set(readings.map((reading) => reading?.version)).size).toBe(names.length);
  });

  it('lets one of several win that create a secret', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => opened()));

    const outcomes = await Promise.allSettled(
      others.map((other, index) => other.writeSecret('KEY', `of ${index}`, { createOnly: true })),
    );

    const lost = outcomes.filter(({ status }) => status === 'rejected');
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(lost).toMatchObject(Array(3).fill({ reason: { code: 'CONFLICT' } }));
    expect(await valueOf('KEY')).toBe(`of ${winner}`);
  });

  it('is made once by several that start at once, with one key', async () => {
    const folder = join(temporaryFolder(), 'made/with/it');
    const options = { path: join(folder, 'secrets'), keyFile: join(folder, 'secrets.key') };
    const others = await Promise.all(Array.from({ length: 4 }, () => opened(options)));

    await Promise.all(others.map((other, index) => other.writeSecret(`KEY_${index}`, 'value')));

    const reread = await opened(options);
    const names = Array.from({ length: 4 }, (_, index) => `KEY_${index}`);
    const readings = [...(await reread.readSecrets(names)).values()];
    expect(readings).toMatchObject(Array(4).fill({ value: 'value' }));
    expect(readdirSync(folder).sort()).toEqual(['secrets', 'secrets.key']);
  });
});

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
  ])('is the same as %s', async (_, options) => {
    await manager.writeSecret('KEY', 'value');
    await manager.close();

    manager = await opened(options(key));

    expect(await valueOf('KEY')).toBe('value');
  });

  it('is made for its owner alone, as text that can be kept elsewhere, if there is no store', async () => {
    const folder = temporaryFolder();
    const options = { path: join(folder, 'secrets'), keyFile: join(folder, 'secrets.key') };

    await opened(options);

    const text = readFileSync(options.keyFile, 'utf8');
    expect(Buffer.from(text, 'base64')).toHaveLength(32);
    expect(text).toMatch(/^[\w+/]{43}=\n$/);
    expect(statSync(options.keyFile).mode & 0o777).toBe(0o600);
  });

  it('is never made anew for a store that exists', async () => {
    const keyFile = join(dirname(path), 'lost.key');
    const before = readFileSync(path);

    const error = await failureOf(opened({ keyFile }));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('missing'),
    });
    expect(existsSync(keyFile)).toBe(false);
    expect(readFileSync(path)).toEqual(before);
  });

  it.each(['', 'short', `${'ab'.repeat(32)}!`, 'x'.repeat(5_000)])(
    'is refused, and not quoted, if its file holds %j',
    async (content) => {
      const options = keyFileWith(content);

      const error = await failureOf(opened(options));

      expect(error.code).toBe('MISCONFIGURED');
      expect(everythingOf(error)).not.toContain(content || 'undefined');
      expect(readFileSync(options.keyFile, 'utf8')).toBe(content);
    },
  );

  it('is a copy of what was given: to overwrite that changes nothing, and closing does not overwrite it', async () => {
    const given = Buffer.from(key);
    const other = new EncryptedFileSecretManager({ path, key: given });
    given.fill(1);
    await other.validateEnvironment();
    await other.writeSecret('KEY', 'value');
    await other.close();

    expect(given).toEqual(Buffer.alloc(32, 1));
    expect(await valueOf('KEY')).toBe('value');
  });

  it('may come from a passphrase, of which nothing is in the file but the salt and the cost', async () => {
    path = join(temporaryFolder(), 'secrets');
    const other = await opened({ passphrase: CANARY });
    await other.writeSecret('KEY', 'value');

    const sync = new EncryptedFileSecretManager({ path, passphrase: CANARY });
    const value = sync.readSecretSync('KEY')?.value;

    expect(value).toBe('value');
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({
      derivation: { from: 'passphrase', salt: expect.any(String), cost: 32_768, blockSize: 8 },
    });
    expect(readFileSync(path, 'utf8')).not.toContain(CANARY);
  });

  it('is derived from a passphrase once, however many read at once', async () => {
    path = join(temporaryFolder(), 'secrets');
    await opened({ passphrase: 'a passphrase' });
    const other = new EncryptedFileSecretManager({ path, passphrase: 'a passphrase' });
    const derivations = [jest.spyOn(crypto, 'scrypt'), jest.spyOn(crypto, 'scryptSync')];

    await Promise.all(Array.from({ length: 20 }, () => other.readSecret('KEY')));
    other.readSecretSync('KEY');

    expect(derivations.map(({ mock }) => mock.calls.length)).toEqual([1, 0]);
  });

  it.each<[string, KeyOptions]>([
    ['another key', { key: randomBytes(32) }],
    ['a passphrase', { passphrase: CANARY }],
  ])('is MISCONFIGURED if it is %s, and the store stays as it is', async (_, options) => {
    await manager.writeSecret('KEY', CANARY);
    const before = readFileSync(path);
    const other = new EncryptedFileSecretManager({ path, ...options });

    const failures = [
      await failureOf(other.validateEnvironment()),
      await failureOf(other.readSecret('KEY')),
      await failureOf(() => other.readSecretSync('KEY')),
      await failureOf(other.writeSecret('KEY', 'value')),
      await failureOf(other.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(5).fill({ code: 'MISCONFIGURED' }));
    expect(failures.map(everythingOf).join()).not.toContain(CANARY);
    expect(readFileSync(path)).toEqual(before);
  });

  it('is MISCONFIGURED if the store was made with a passphrase, and a key is given or another one', async () => {
    path = join(temporaryFolder(), 'secrets');
    await opened({ passphrase: 'a passphrase' });

    const errors = [
      await failureOf(opened({ key })),
      await failureOf(opened({ passphrase: 'another one' })),
    ];

    expect(errors).toMatchObject([{ code: 'MISCONFIGURED' }, { code: 'MISCONFIGURED' }]);
    expect(errors[0]?.message).toContain('Give `passphrase`');
  });

  it.each<[string, (keyFile: string) => unknown]>([
    ['a folder', (keyFile) => mkdirSync(keyFile)],
    ['a pipe', (keyFile) => execFileSync('mkfifo', [keyFile])],
    ['a device', (keyFile) => symlinkSync('/dev/zero', keyFile)],
  ])('is MISCONFIGURED, and not waited for, if its file is %s', async (_, put) => {
    const keyFile = join(dirname(path), 'key');
    put(keyFile);
    const other = new EncryptedFileSecretManager({ path, keyFile });

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
  ])('is refused with all that is wrong, and quoted nowhere: %s', async (_, options, problems) => {
    const other = new EncryptedFileSecretManager({
      path,
      ...options,
    });

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

  it('and all that a manager holds is out of sight', async () => {
    await manager.writeSecret('KEY', CANARY);
    await manager.readSecret('KEY');
    const other = new EncryptedFileSecretManager({ path, passphrase: CANARY });

    const seen = everythingOf(manager) + everythingOf(other) + JSON.stringify({ ...manager });

    for (const canary of [CANARY, key.toString('base64'), key.toString('hex'), path]) {
      expect(seen).not.toContain(canary);
    }
  });

  function keyFileWith(content: string | Buffer): { keyFile: string } {
    const keyFile = join(temporaryFolder(), 'store.key');
    writeFileSync(keyFile, content);
    return { keyFile };
  }
});

describe('a file that is not as it was written', () => {
  const failsEverywhere = async (): Promise<Set<string>> => {
    const before = readFileSync(path);
    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
      await failureOf(manager.writeSecret('KEY', 'value')),
      await failureOf(manager.deleteSecret('KEY')),
      await failureOf(manager.checkHealth()),
      await failureOf(opened()),
    ];
    expect(failures.map(everythingOf).join()).not.toContain(CANARY);
    expect(readFileSync(path)).toEqual(before);
    return new Set(failures.map(({ code }) => code));
  };

  it('is found out whichever byte was flipped', async () => {
    await manager.writeSecret('KEY', CANARY);
    const content = readFileSync(path);
    const survivors: number[] = [];

    for (let index = 0; index < content.length; index++) {
      const changed = Buffer.from(content);
      changed[index] = (changed[index] ?? 0) ^ 1;
      writeFileSync(path, changed);
      const error = await failureOf(manager.readSecret('KEY')).catch(() => undefined);
      if (!error || !['MALFORMED', 'MISCONFIGURED'].includes(error.code)) survivors.push(index);
    }

    expect(survivors).toEqual([]);
  });

  it('is found out whatever was put in, and wherever', async () => {
    await manager.writeSecret('KEY', CANARY);
    const content = readFileSync(path);
    const survivors: string[] = [];

    for (let index = 0; index <= content.length; index++) {
      for (const byte of [' ', '\n', '0']) {
        const [before, after] = [content.subarray(0, index), content.subarray(index)];
        writeFileSync(path, Buffer.concat([before, Buffer.from(byte), after]));
        const error = await failureOf(manager.readSecret('KEY')).catch(() => undefined);
        if (!error || !['MALFORMED', 'MISCONFIGURED'].includes(error.code))
          survivors.push(`${index} ${JSON.stringify(byte)}`);
      }
    }

    expect(survivors).toEqual([]);
  });

  it('is found out if its last line says the same in another spelling', async () => {
    await manager.writeSecret('KEY', CANARY);
    const [mac = '', ...others] = lines().reverse();

    for (const spelling of [
      mac.replace('"mac"', '"\\u006dac"'),
      mac.replace('{', '{"mac":"",'),
      `${mac} `,
    ]) {
      writeFileSync(path, [...others.reverse(), spelling, ''].join('\n'));
      others.reverse();
      expect([...(await failsEverywhere())]).toEqual(['MALFORMED']);
    }
  });

  it('is found out wherever it was cut off', async () => {
    await manager.writeSecret('KEY', CANARY);
    const content = readFileSync(path);
    const survivors: number[] = [];

    for (let length = 0; length < content.length; length++) {
      writeFileSync(path, content.subarray(0, length));
      const error = await failureOf(manager.readSecret('KEY')).catch(() => undefined);
      if (error?.code !== 'MALFORMED') survivors.push(length);
    }

    expect(survivors).toEqual([]);
  });

  it.each([
    ['of another application', '{"version":3,"data":"..."}\n'],
    ['no text', Buffer.from([0xff, 0x00, 0x0a, 0xff])],
    ['empty', ''],
    ['a list', '[]\n'],
    ['null', 'null\n'],
    [
      'a head without the rest',
      '{"format":"nestjs-custom-secret-manager/encrypted-file","formatVersion":1}\n',
    ],
  ])('is MALFORMED and left as it is if it is %s', async (_, content) => {
    writeFileSync(path, content);

    expect([...(await failsEverywhere())]).toEqual(['MALFORMED']);
  });

  it.each<[string, () => unknown]>([
    ['a folder', () => mkdirSync(path)],
    ['a pipe', () => execFileSync('mkfifo', [path])],
    ['a device', () => symlinkSync('/dev/zero', path)],
  ])('is MALFORMED, and not waited for, if it is %s', async (_, put) => {
    rmSync(path);
    put();

    const errors = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
      await failureOf(opened()),
    ];

    expect(errors).toMatchObject(Array(3).fill({ code: 'MALFORMED' }));
  });

  it.each<[string, (records: string[]) => string[]]>([
    ['removed', (records) => records.slice(1)],
    ['exchanged', ([a = '', b = '', ...others]) => [b, a, ...others]],
    ['doubled', ([a = '', ...others]) => [a, a, ...others]],
    ['given another name', ([a = '', ...others]) => [a.replace('"KEY"', '"OTHER"'), ...others]],
    ['restored', ([a = '', ...others]) => [a.replace('"createdAt"', '"deletedAt"'), ...others]],
  ])('is found out if a record was %s', async (_, change) => {
    await manager.writeSecret('KEY', CANARY);
    await manager.writeSecret('SECOND', CANARY);
    const [head = '', ...rest] = lines();
    const mac = rest.pop() ?? '';

    writeFileSync(path, [head, ...change(rest), mac, ''].join('\n'));

    expect([...(await failsEverywhere())]).toEqual(['MALFORMED']);
  });

  it('is found out if a record was put back in an older version', async () => {
    await manager.writeSecret('KEY', 'old');
    const [, old = ''] = lines();
    await manager.writeSecret('KEY', 'new');
    const [head = '', , mac = ''] = lines();

    writeFileSync(path, [head, old, mac, ''].join('\n'));

    expect([...(await failsEverywhere())]).toEqual(['MALFORMED']);
  });

  it('is left to a newer release if one has made it', async () => {
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('"formatVersion":1', '"formatVersion":2'),
    );

    const error = await failureOf(manager.readSecret('KEY'));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toContain('newer release');
  });

  it.each([
    ['too much memory', '"cost":32768', '"cost":1073741824'],
    ['too much time', '"parallelization":3', '"parallelization":1000000'],
    ['nonsense', '"cost":32768', '"cost":32769'],
    ['nothing', '"cost":32768', '"cost":0'],
    ['a text', '"cost":32768', '"cost":"32768"'],
  ])('is not believed if its head asks for %s', async (_, before, after) => {
    path = join(temporaryFolder(), 'secrets');
    const options = { passphrase: 'a passphrase' };
    await opened(options);
    writeFileSync(path, readFileSync(path, 'utf8').replace(before, after));

    const error = await failureOf(opened(options));

    expect(error.code).toBe('MALFORMED');
  });

  it('and a key that is missing are reported at once', async () => {
    writeFileSync(path, 'something else\n');

    const error = await failureOf(opened({ keyFile: join(dirname(path), 'missing.key') }));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/missing[^]*not a store of this kind/);
  });

  it('is read again when it was restored', async () => {
    await manager.writeSecret('KEY', 'value');
    copyFileSync(path, `${path}.backup`);
    writeFileSync(path, 'spoilt');
    await failureOf(manager.readSecret('KEY'));

    renameSync(`${path}.backup`, path);

    expect(await valueOf('KEY')).toBe('value');
  });
});

describe('a store that is gone', () => {
  it.each([
    ['its file', () => rmSync(path)],
    ['its folder', () => rmSync(dirname(path), { recursive: true })],
  ])('is UNAVAILABLE, and not made anew, if %s is missing', async (_, remove) => {
    await manager.writeSecret('KEY', 'value');
    remove();

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
      await failureOf(manager.writeSecret('KEY', 'value')),
      await failureOf(manager.deleteSecret('KEY')),
      await failureOf(manager.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(5).fill({ code: 'UNAVAILABLE', retryable: true }));
    expect(existsSync(path)).toBe(false);
  });

  it('is UNAVAILABLE when it was closed, for everything but closing', async () => {
    await manager.writeSecret('KEY', 'value');
    const underWay = manager.writeSecret('LAST', 'value');
    await manager.close();
    await manager.close();

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
      await failureOf(manager.writeSecret('KEY', 'value')),
      await failureOf(manager.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(4).fill({ code: 'UNAVAILABLE' }));
    await expect(underWay).resolves.toMatchObject({ version: '2' });
    expect((await (await opened()).readSecret('LAST'))?.value).toBe('value');
  });

  it('cannot be made below a file, and says so', async () => {
    const error = await failureOf(opened({ path: join(path, 'below'), key }));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain('can be neither opened nor made');
  });
});

// nothing is denied to root
if (process.getuid?.() !== 0) {
  describe('a store that the process may not read', () => {
    it('is ACCESS_DENIED, also at start', async () => {
      chmodSync(path, 0o000);

      const errors = [
        await failureOf(manager.readSecret('KEY')),
        await failureOf(() => manager.readSecretSync('KEY')),
        await failureOf(manager.writeSecret('KEY', 'value')),
        await failureOf(opened()),
      ];

      expect(errors).toMatchObject(Array(4).fill({ code: 'ACCESS_DENIED' }));
    });

    it('is MISCONFIGURED if its key may not be read', async () => {
      const keyFile = join(temporaryFolder(), 'store.key');
      writeFileSync(keyFile, key, { mode: 0o000 });

      const error = await failureOf(opened({ keyFile }));

      expect(error.code).toBe('MISCONFIGURED');
      expect(error.message).toContain('cannot be read');
    });

    it('is MISCONFIGURED if it cannot be made', async () => {
      const folder = temporaryFolder();
      chmodSync(folder, 0o500);

      const error = await failureOf(opened({ path: join(folder, 'made/secrets'), key }));

      expect(error.code).toBe('MISCONFIGURED');
      expect(error.message).toContain('EACCES');
    });
  });
}
