import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { everythingOf, failureOf } from '../../support/failure-of';

const CANARY = 'sk-canary-of-the-store-91ab';
const store = useStore();

describe('a damaged file', () => {
  const failsEverywhere = async (): Promise<Set<string>> => {
    const before = readFileSync(store.path);
    const failures = [
      await failureOf(store.manager.readSecret('KEY')),
      await failureOf(() => store.manager.readSecretSync('KEY')),
      await failureOf(store.manager.writeSecret('KEY', 'value')),
      await failureOf(store.manager.deleteSecret('KEY')),
      await failureOf(store.manager.checkHealth()),
      await failureOf(store.opened()),
    ];
    expect(failures.map(everythingOf).join()).not.toContain(CANARY);
    expect(readFileSync(store.path)).toEqual(before);
    return new Set(failures.map(({ code }) => code));
  };

  it.each([
    ['of another application', '{"version":3,"data":"..."}\n'],
    ['no text', Buffer.from([0xff, 0x00, 0x0a, 0xff])],
    ['empty', ''],
    ['a list', '[]\n'],
    ['null', 'null\n'],
  ])('is MALFORMED and stays unchanged if it is %s', async (_, content) => {
    writeFileSync(store.path, content);

    expect([...(await failsEverywhere())]).toEqual(['MALFORMED']);
  });

  it.each<[string, () => unknown]>([
    ['a folder', () => mkdirSync(store.path)],
    ['a pipe', () => execFileSync('mkfifo', [store.path])],
    ['a device', () => symlinkSync('/dev/zero', store.path)],
  ])('is MALFORMED without blocking if it is %s', async (_, put) => {
    rmSync(store.path);
    put();

    const errors = [
      await failureOf(store.manager.readSecret('KEY')),
      await failureOf(() => store.manager.readSecretSync('KEY')),
      await failureOf(store.opened()),
    ];

    expect(errors).toMatchObject(Array(3).fill({ code: 'MALFORMED' }));
  });

  it('is reported together with a missing key', async () => {
    writeFileSync(store.path, 'something else\n');

    const error = await failureOf(
      store.opened({ keyFile: join(dirname(store.path), 'missing.key') }),
    );

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/missing[^]*not a store of this kind/);
  });

  it('is read again after it was restored', async () => {
    await store.manager.writeSecret('KEY', 'value');
    copyFileSync(store.path, `${store.path}.backup`);
    writeFileSync(store.path, 'spoilt');
    await failureOf(store.manager.readSecret('KEY'));

    renameSync(`${store.path}.backup`, store.path);

    expect(await store.valueOf('KEY')).toBe('value');
  });
});
