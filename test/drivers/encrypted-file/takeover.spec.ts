import { randomBytes, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';
import { storeOfFormat1, type SecretOfTest } from '../../support/format-1';
import { temporaryFolder } from '../../support/temporary-folder';

const CREATED_AT = '2026-01-02T03:04:05.678Z';
const KEY: SecretOfTest = { name: 'KEY', version: '7', value: 'value', createdAt: CREATED_AT };
const SECRETS: readonly SecretOfTest[] = [
  KEY,
  {
    name: 'team/FULL',
    version: '8',
    value: 'a\ud800b',
    description: 'of the team',
    tags: { a: 'b' },
    createdAt: CREATED_AT,
  },
  {
    name: 'DELETED',
    version: '3',
    value: 'restorable',
    description: 'kept',
    createdAt: CREATED_AT,
    deletionAt: new Date(Date.now() + 86_400_000).toISOString(),
  },
  {
    name: 'EXPIRED',
    version: '2',
    value: 'gone',
    createdAt: CREATED_AT,
    deletionAt: new Date(Date.now() - 1_000).toISOString(),
  },
];

afterEach(() => void jest.restoreAllMocks());

describe('a store of the first format', () => {
  const store = useStore();
  let content: string;

  beforeEach(() => {
    store.path = join(temporaryFolder(), 'secrets');
    content = storeOfFormat1({ key: store.key }, 12, SECRETS);
    writeFileSync(store.path, content, { mode: 0o600 });
  });

  it('is converted at start with all its content, and kept as a backup', async () => {
    const manager = await store.opened();

    expect(await manager.readSecret('KEY')).toEqual({ value: 'value', version: '7' });
    expect(await manager.readSecret('team/FULL')).toEqual({ value: 'a\ud800b', version: '8' });
    expect(await manager.describeSecret('team/FULL')).toEqual({
      description: 'of the team',
      tags: { a: 'b' },
    });
    expect((await manager.listSecrets()).map(({ name }) => name)).toEqual([
      'DELETED',
      'KEY',
      'team/FULL',
    ]);
    expect(readFileSync(`${store.path}.v1`, 'utf8')).toBe(content);
    expect(readdirSync(dirname(store.path))).toEqual(['secrets', 'secrets.v1']);
  });

  it('keeps its versions and times, and secrets that are pending deletion', async () => {
    const manager = await store.opened();

    const { version, createdAt } = await manager.writeSecret('DELETED', 'restored');

    expect(version).toBe('13');
    expect(createdAt).toEqual(new Date(CREATED_AT));
    expect(await manager.describeSecret('DELETED')).toMatchObject({ description: 'kept' });
  });

  it('is converted once', async () => {
    await (await store.opened()).writeSecret('KEY', 'newer');

    const again = await store.opened();

    expect(await again.readSecret('KEY')).toMatchObject({ value: 'newer' });
    expect(readdirSync(dirname(store.path))).toEqual(['secrets', 'secrets-lock', 'secrets.v1']);
  });

  it('is converted with `create: false`', async () => {
    const manager = await store.opened({ key: store.key, create: false });

    expect(await manager.readSecret('KEY')).toMatchObject({ value: 'value' });
  });

  it('is converted by one of several concurrent starts', async () => {
    const managers = await Promise.all(Array.from({ length: 4 }, () => store.opened()));

    await Promise.all(managers.map((manager, index) => manager.writeSecret(`NEW_${index}`, 'new')));

    const [manager] = managers;
    const names = (await manager?.listSecrets())?.map(({ name }) => name);
    expect(names).toEqual(['DELETED', 'KEY', 'NEW_0', 'NEW_1', 'NEW_2', 'NEW_3', 'team/FULL']);
    expect(readFileSync(`${store.path}.v1`, 'utf8')).toBe(content);
  });

  it('is converted behind a link, which stays a link', async () => {
    const link = join(temporaryFolder(), 'link');
    symlinkSync(store.path, link);
    const other = await store.opened({ path: link, key: store.key });

    await other.writeSecret('KEY', 'newer');

    const manager = await store.opened();
    expect(await manager.readSecret('KEY')).toMatchObject({ value: 'newer' });
  });

  it.each<[string, () => void]>([
    ['while it made the new one', () => writeFileSync(`${store.path}.new`, '', { mode: 0o600 })],
    ['when it had kept the old one', () => linkSync(store.path, `${store.path}.v1`)],
  ])('is converted although a process was killed %s', async (_, leave) => {
    leave();

    const manager = await store.opened();

    expect(await manager.readSecret('KEY')).toMatchObject({ value: 'value' });
    expect(readdirSync(dirname(store.path))).toEqual(['secrets', 'secrets.v1']);
  });

  it('is converted although a process was killed right before it moved the new store', async () => {
    const path = join(temporaryFolder(), 'other');
    const other = await store.opened({ path, key: store.key });
    const names = Array.from({ length: 100 }, (_, index) => `KEY_${index}`);
    await Promise.all(names.map((name) => other.writeSecret(name, 'x'.repeat(2_000))));
    copyFileSync(path, `${store.path}.new`);

    const manager = await store.opened();

    expect(await manager.listSecrets()).toHaveLength(3);
    expect(readdirSync(dirname(store.path))).toEqual(['secrets', 'secrets.v1']);
  });

  it('is converted after an earlier release has ended its write', async () => {
    const owner = { id: randomUUID(), pid: process.pid, where: 'another host' };
    writeFileSync(`${store.path}.lock`, JSON.stringify(owner));
    const opening = store.opened();
    await new Promise((resolve) => setTimeout(resolve, 100));

    const whileHeld = readdirSync(dirname(store.path));
    rmSync(`${store.path}.lock`);

    expect(await (await opening).readSecret('KEY')).toMatchObject({ value: 'value' });
    expect(whileHeld).toEqual(['secrets', 'secrets.lock']);
    expect(readdirSync(dirname(store.path))).toEqual(['secrets', 'secrets.v1']);
  });

  it('is converted although an earlier release was killed during its write', async () => {
    writeFileSync(`${store.path}.lock`, '');
    jest.spyOn(performance, 'now').mockImplementation(() => Date.now() * 1_000);

    await store.opened();

    expect(readdirSync(dirname(store.path))).toEqual(['secrets', 'secrets.v1']);
  });

  it('replaces no earlier backup', async () => {
    writeFileSync(`${store.path}.v1`, 'precious');

    await store.opened();

    expect(readFileSync(`${store.path}.v1`, 'utf8')).toBe('precious');
    expect(readFileSync(`${store.path}.v1-2`, 'utf8')).toBe(content);
  });

  it('may come from a passphrase', async () => {
    const passphrase = 'a passphrase';
    writeFileSync(store.path, storeOfFormat1({ passphrase }, 12, SECRETS));

    const manager = await store.opened({ passphrase });

    expect(await manager.readSecret('KEY')).toMatchObject({ value: 'value' });
  });

  it('stays unchanged with a wrong key', async () => {
    const failure = await failureOf(store.opened({ key: randomBytes(32) }));

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(readFileSync(store.path, 'utf8')).toBe(content);
    expect(readdirSync(dirname(store.path))).not.toContain('secrets.v1');
  });

  it('is MALFORMED and stays unchanged if one character was changed', async () => {
    const changed = content.replace('"team/FULL"', '"team/FUEL"');
    writeFileSync(store.path, changed);

    const failure = await failureOf(store.opened());

    expect(failure).toMatchObject({ code: 'MALFORMED' });
    expect(readFileSync(store.path, 'utf8')).toBe(changed);
  });

  it('is MISCONFIGURED for a manager that was not started', async () => {
    const failure = await failureOf(store.unopened().readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toContain('validateEnvironment');
  });

  it('can be restored from its backup, and is converted again', async () => {
    await (await store.opened()).close();
    copyFileSync(`${store.path}.v1`, store.path);

    const manager = await store.opened();

    expect(await manager.readSecret('KEY')).toMatchObject({ value: 'value', version: '7' });
  });
});
