import { DirectorySecretManager } from 'nestjs-custom-secret-manager/drivers/directory';
import fs, { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeApplications, startWith } from '../support/application';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

let path: string;

beforeEach(() => {
  path = join(temporaryFolder(), 'secrets');
  mkdirSync(path);
});

afterEach(async () => {
  await closeApplications();
  jest.restoreAllMocks();
  removeTemporaryFolders();
});

/** Exchanges the current folder as the kubelet does. */
function mount(version: string, secrets: Readonly<Record<string, string>>): void {
  mkdirSync(join(path, version));
  for (const [name, value] of Object.entries(secrets)) {
    writeFileSync(join(path, version, name), value);
    try {
      symlinkSync(join('..data', name), join(path, name));
    } catch {
      // it is there since the version before
    }
  }
  symlinkSync(version, join(path, '..data_tmp'));
  renameSync(join(path, '..data_tmp'), join(path, '..data'));
}

function within(limitMs: number, isTrue: () => boolean): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const elapsedMs = performance.now() - startedAt;
      if (isTrue()) resolve(elapsedMs);
      else if (elapsedMs > limitMs) reject(new Error(`not within ${limitMs} ms`));
      else setTimeout(look, 10);
    };
    look();
  });
}

async function start() {
  const manager = new DirectorySecretManager({ path });
  const { secrets } = await startWith(manager, { preload: ['DB_PASSWORD'] });
  const sources: string[] = [];
  const handle = secrets.secret('DB_PASSWORD');
  handle.onChange(({ source }) => void sources.push(source));
  return { secrets, handle, sources };
}

describe('A directory whose files change', () => {
  it('serves the new value of a Kubernetes mount within 2 s, without a read', async () => {
    mount('..1', { DB_PASSWORD: 'old', OTHER: 'same' });
    const { handle, sources } = await start();

    mount('..2', { DB_PASSWORD: 'new', OTHER: 'same' });

    await within(2_000, () => handle.reveal() === 'new');
    expect(sources).toEqual(['watch']);
  });

  it('serves the new value of a plain file within 2 s', async () => {
    writeFileSync(join(path, 'DB_PASSWORD'), 'old');
    const { handle } = await start();

    writeFileSync(join(path, 'DB_PASSWORD'), 'a longer value');

    expect(await within(2_000, () => handle.reveal() === 'a longer value')).toBeLessThan(2_000);
  });

  it('serves the new value within 2 s in a directory that never rests', async () => {
    writeFileSync(join(path, 'DB_PASSWORD'), 'old');
    const { handle } = await start();
    let isBusy = true;
    const keepBusy = (): void => {
      if (!isBusy) return;
      writeFileSync(join(path, 'OTHER'), 'x');
      setImmediate(keepBusy);
    };
    keepBusy();

    writeFileSync(join(path, 'DB_PASSWORD'), 'a longer value');

    const serving = within(2_000, () => handle.reveal() === 'a longer value');
    expect(await serving.finally(() => (isBusy = false))).toBeLessThan(2_000);
  });

  it.each(['ENOSPC', 'EMFILE'])(
    'finds changes without the events of the system (%s)',
    async (code) => {
      const refused = Object.assign(new Error('no watcher left'), { code });
      jest.spyOn(fs, 'watch').mockImplementation(() => {
        throw refused;
      });
      writeFileSync(join(path, 'DB_PASSWORD'), 'old');
      const { handle } = await start();

      writeFileSync(join(path, 'DB_PASSWORD'), 'a longer value');

      expect(await within(2_500, () => handle.reveal() === 'a longer value')).toBeGreaterThan(0);
    },
  );

  it('reports only files that have changed, also a removed and a created one', async () => {
    const manager = new DirectorySecretManager({ path });
    const abort = new AbortController();
    const reported: string[] = [];
    for (const name of ['SAME', 'GONE']) writeFileSync(join(path, name), name);
    for (const name of ['SAME', 'GONE', 'CREATED']) await manager.readSecret(name);
    manager.watchSecrets((names) => void reported.push(...names), abort);

    rmSync(join(path, 'GONE'));
    writeFileSync(join(path, 'CREATED'), 'value');
    writeFileSync(join(path, 'NEVER_READ'), 'value');
    await within(2_500, () => reported.length === 2);
    abort.abort();

    expect(reported.sort()).toEqual(['CREATED', 'GONE']);
  });
});
