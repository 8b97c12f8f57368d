import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { useStore } from '../../support/encrypted-file';
import { temporaryFolder } from '../../support/temporary-folder';

const SUPPORT = join(__dirname, '../../support');
const store = useStore();

/** Runs a process whose files cannot grow beyond a limit of 512-byte or 1024-byte blocks, as on a full disk. */
function runOnFullDisk(blocks: number, path: string): unknown {
  const script = `ulimit -f ${blocks} && exec "$0" "$@"`;
  const args = [
    '-r',
    join(SUPPORT, 'register-typescript.cjs'),
    join(SUPPORT, 'fill-disk.process.cjs'),
  ];
  const key = store.key.toString('hex');
  const command = ['-c', script, process.execPath, ...args, path, key];
  return JSON.parse(execFileSync('sh', command, { encoding: 'utf8', stdio: 'pipe' }));
}

interface Outcome {
  readonly acknowledged: readonly string[];
  readonly failures: readonly { readonly code: string; readonly message: string }[];
  readonly read: number;
}

describe('a store on a full disk', () => {
  it('fails clearly, loses nothing, and works again when there is space', async () => {
    const { acknowledged, failures, read } = runOnFullDisk(800, store.path) as Outcome;

    expect(acknowledged.length).toBeGreaterThan(3);
    expect(read).toBe(acknowledged.length);
    expect(failures).toMatchObject(Array(3).fill({ code: 'UNAVAILABLE' }));
    expect(failures[0]?.message).toContain('the disk is full');
    await store.reopen();
    const [, ...kept] = acknowledged;
    const readings = await store.manager.readSecrets(kept);
    expect([...readings.values()].every((reading) => typeof reading === 'object')).toBe(true);
    await store.manager.writeSecret('NEW', 'value');
    expect(await store.valueOf('NEW')).toBe('value');
  }, 30_000);

  it('is not created in part', () => {
    const path = join(temporaryFolder(), 'secrets');

    expect(() => runOnFullDisk(8, path)).toThrow('The disk is full');

    expect(existsSync(path)).toBe(false);
    expect(readdirSync(dirname(path)).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  }, 30_000);
});
