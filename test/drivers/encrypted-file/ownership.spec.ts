import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';
import { temporaryFolder } from '../../support/temporary-folder';

const isRoot = process.geteuid?.() === 0;
const store = useStore();

describe('the modes of a store', () => {
  let keyFile: string;

  beforeEach(() => {
    keyFile = join(temporaryFolder(), "it's a key");
    writeFileSync(keyFile, store.key, { mode: 0o600 });
  });

  const failure = () => failureOf(store.opened({ keyFile }));

  it.each([0o602, 0o620, 0o660, 0o666, 0o777])(
    'are MISCONFIGURED, with the command that fixes them, if others may write the store (%o)',
    async (mode) => {
      chmodSync(store.path, mode);

      const { code, message } = await failure();

      expect(code).toBe('MISCONFIGURED');
      expect(message).toContain(`chmod 600 '${store.path}'`);
    },
  );

  it('are fixed by that command in a shell', async () => {
    chmodSync(keyFile, 0o666);
    const { message } = await failure();

    execFileSync('sh', ['-c', message.slice(message.indexOf('chmod'))]);

    expect(message).toContain(`it'\\''s a key'`);
    await expect(store.opened({ keyFile })).resolves.toBeDefined();
  });

  it.each([
    ['the store', () => store.path],
    ['the key', () => keyFile],
  ])('are MISCONFIGURED if others may write the folder of %s', async (_, path) => {
    chmodSync(dirname(path()), 0o777);

    const { code, message } = await failure();

    expect(code).toBe('MISCONFIGURED');
    expect(message).toContain(`chmod go-w '${dirname(path())}'`);
  });

  it('may let others write a folder with the sticky bit', async () => {
    chmodSync(dirname(store.path), 0o1777);

    await expect(store.opened({ keyFile })).resolves.toBeDefined();
  });

  it('are checked before a new store is created', async () => {
    const folder = join(temporaryFolder(), 'folder');
    mkdirSync(folder);
    chmodSync(folder, 0o777);

    const { code } = await failureOf(
      store.opened({ path: join(folder, 'secrets'), key: store.key }),
    );

    expect(code).toBe('MISCONFIGURED');
  });

  it('are reported together', async () => {
    chmodSync(store.path, 0o666);
    chmodSync(keyFile, 0o622);
    chmodSync(dirname(keyFile), 0o777);

    const { message } = await failure();

    expect(message.split('\n')).toHaveLength(3);
  });

  it.each([0o444, 0o440, 0o604])(
    'cause one warning if others may read the key (%o), as with Docker',
    async (mode) => {
      const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      chmodSync(keyFile, mode);

      const manager = await store.opened({ keyFile });
      await manager.writeSecret('KEY', 'value');
      manager.readSecretSync('KEY');

      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn).toHaveBeenCalledWith(
        expect.stringContaining('may be read by others'),
        expect.objectContaining({ type: 'SecretManagerWarning', code: 'KEY_FILE_READABLE' }),
      );
    },
  );

  it('cause no warning if only the owner may read the key', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);

    await store.opened({ keyFile });

    expect(warn).not.toHaveBeenCalled();
  });

  // only root may change owners
  if (isRoot) {
    it.each([
      ['the store', () => store.path],
      ['the key', () => keyFile],
      ['a folder', () => dirname(store.path)],
    ])('are MISCONFIGURED if %s belongs to another user', async (_, path) => {
      chownSync(path(), 4_321, 0);

      const { code, message } = await failure();

      expect(code).toBe('MISCONFIGURED');
      expect(message).toContain(`chown 0 '${path().replace("'", `'\\''`)}'`);
    });

    it('may belong to root if the process runs as another user', async () => {
      jest.spyOn(process, 'geteuid').mockReturnValue(4_321);

      await expect(store.opened({ keyFile })).resolves.toBeDefined();
    });
  }

  it('are not checked on a system without modes', async () => {
    chmodSync(store.path, 0o666);
    const own = Object.getOwnPropertyDescriptor(process, 'geteuid') ?? {};
    Object.defineProperty(process, 'geteuid', { ...own, value: undefined });
    const opened = await store
      .opened({ keyFile })
      .finally(() => Object.defineProperty(process, 'geteuid', own));

    expect(opened).toBeDefined();
  });
});

describe('a store with `create: false`', () => {
  it('is MISCONFIGURED if it is missing, and neither it nor its key is created', async () => {
    const folder = join(temporaryFolder(), 'not mounted');
    const options = { path: join(folder, 'secrets'), keyFile: join(folder, 'key'), create: false };

    const { code, message } = await failureOf(store.opened(options));

    expect(code).toBe('MISCONFIGURED');
    expect(message).toContain('`create: false`');
    expect(() => chmodSync(folder, 0o700)).toThrow('ENOENT');
  });

  it('is opened if it exists', async () => {
    await expect(store.opened({ key: store.key, create: false })).resolves.toBeDefined();
  });
});
