import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock, type HeldLock } from '../../lib/drivers/encrypted-file/file-lock';
import { newOwner, type Owner } from '../../lib/drivers/encrypted-file/lock-owner';
import { Patience } from '../../lib/drivers/encrypted-file/patience';
import { replaceFile } from '../../lib/drivers/encrypted-file/replace-file';
import { failureOf } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

let path: string;
let lockPath: string;
let manager: EncryptedFileSecretManager;

beforeEach(async () => {
  path = join(temporaryFolder(), 'secrets');
  lockPath = `${path}.lock`;
  manager = new EncryptedFileSecretManager({ path, key: 'ab'.repeat(32) });
  await manager.validateEnvironment();
});

afterEach(async () => {
  jest.restoreAllMocks();
  await manager.close();
  removeTemporaryFolders();
});

/** A lock as a process leaves it behind that is killed. */
function leaveBehind(owner: Partial<Owner>, lock = lockPath): Owner {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const dead = { ...newOwner(), pid, ...owner };
  writeFileSync(lock, JSON.stringify(dead));
  return dead;
}

/** So that whoever looks at the clock sees a quarter of a second go by. */
function hurry(): void {
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => (now += 250));
}

function lockIsHeld(): {
  readonly held: Promise<void>;
  release(): void;
  readonly ended: Promise<void>;
} {
  let release = (): void => undefined;
  let isHeld = (): void => undefined;
  const held = new Promise<void>((resolve) => (isHeld = resolve));
  const until = new Promise<void>((resolve) => (release = resolve));
  const ended = withLock(lockPath, new Patience(), () => {
    isHeld();
    return until;
  });
  return { held, release, ended };
}

describe('a lock that was left behind', () => {
  it('is put away at once, with what its owner had begun, if the owner is dead', async () => {
    const { id } = leaveBehind({});
    writeFileSync(`${lockPath}.${id}.tmp`, 'half a st');

    await manager.writeSecret('KEY', 'value', { timeoutMs: 2_000 });

    expect(readdirSync(dirname(path))).toEqual(['secrets']);
  });

  it.each<[string, () => void]>([
    ['of another host', () => leaveBehind({ where: 'another-host' })],
    ['whose number another process has now', () => leaveBehind({ pid: process.pid })],
    ['that says nothing', () => writeFileSync(lockPath, '')],
    ['that says something else', () => writeFileSync(lockPath, '{"pid":"1"}')],
  ])('is put away if it does not change for seconds: one %s', async (_, leave) => {
    leave();
    hurry();

    await manager.writeSecret('KEY', 'value', { timeoutMs: 20_000 });

    expect(readdirSync(dirname(path))).toEqual(['secrets']);
  });

  it('is put away though who was putting it away was killed, too', async () => {
    leaveBehind({});
    leaveBehind({}, `${lockPath}.left-behind`);

    await manager.writeSecret('KEY', 'value', { timeoutMs: 2_000 });

    expect(readdirSync(dirname(path))).toEqual(['secrets']);
  });

  it('lets through one at a time of many that find it', async () => {
    leaveBehind({});
    let inside = 0;
    const most: number[] = [];

    await Promise.all(
      Array.from({ length: 20 }, () =>
        withLock(lockPath, new Patience(), async () => {
          most.push(++inside);
          await new Promise((resolve) => setTimeout(resolve, 15)); // others look at the lock meanwhile
          inside--;
        }),
      ),
    );

    expect(most).toEqual(Array(20).fill(1));
  });

  it('leads to no file but its own, whatever it says', async () => {
    const victim = join(dirname(path), 'victim.tmp');
    mkdirSync(`${lockPath}.x`);
    writeFileSync(victim, 'precious');
    leaveBehind({ id: 'x/../victim' });

    await manager.writeSecret('KEY', 'value', { timeoutMs: 2_000 });

    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });
});

describe('a lock that cannot be', () => {
  it.each<[string, () => unknown]>([
    ['a directory', () => mkdirSync(lockPath)],
    ['a pipe', () => execFileSync('mkfifo', [lockPath])],
    ['a device', () => symlinkSync('/dev/zero', lockPath)],
    ['a large file', () => writeFileSync(lockPath, 'x'.repeat(5_000))],
  ])('is named, and not waited for, where %s is in its place', async (_, put) => {
    put();

    const failure = await failureOf(manager.writeSecret('KEY', 'value'));

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toContain('.lock" is not a file');
  });
});

describe('a lock that somebody holds', () => {
  it('is waited for', async () => {
    const lock = lockIsHeld();
    await lock.held;
    const write = manager.writeSecret('KEY', 'value');
    const before = await manager.readSecret('KEY');

    lock.release();
    await write;

    expect(before).toBeUndefined();
    expect(await manager.readSecret('KEY')).toMatchObject({ value: 'value' });
    await lock.ended;
  });

  it('is waited for until the deadline, and nothing is written then', async () => {
    const lock = lockIsHeld();
    await lock.held;

    const error = await failureOf(manager.writeSecret('KEY', 'value', { timeoutMs: 30 }));

    expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true });
    lock.release();
    await lock.ended;
    expect(await manager.readSecret('KEY')).toBeUndefined();
  });

  it('is waited for until the caller aborts, who leaves alone', async () => {
    const lock = lockIsHeld();
    await lock.held;
    const [first, second] = [new AbortController(), new AbortController()];
    const writes = [
      failureOf(manager.writeSecret('FIRST', 'value', { signal: first.signal })),
      failureOf(manager.writeSecret('SECOND', 'value', { signal: second.signal })),
      failureOf(manager.writeSecret('BEFORE', 'value', { signal: AbortSignal.abort() })),
    ];
    const third = manager.writeSecret('THIRD', 'value');

    second.abort();
    first.abort();
    const errors = await Promise.all(writes);
    lock.release();
    await third;

    expect(errors).toMatchObject(Array(3).fill({ code: 'CANCELLED' }));
    const readings = await manager.readSecrets(['FIRST', 'SECOND', 'BEFORE', 'THIRD']);
    const written = [...readings].filter(([, reading]) => reading !== undefined);
    expect(written.map(([name]) => name)).toEqual(['THIRD']);
  });

  it('hinders nobody who reads', async () => {
    await manager.writeSecret('KEY', 'value');
    const lock = lockIsHeld();
    await lock.held;

    const readings = [await manager.readSecret('KEY'), manager.readSecretSync('KEY')];

    expect(readings).toMatchObject([{ value: 'value' }, { value: 'value' }]);
    lock.release();
    await lock.ended;
  });
});

describe('a lock that was taken away from its owner', () => {
  const replaceWith = (content: string, lock: HeldLock, identity?: string) =>
    replaceFile(join(dirname(path), 'file'), Buffer.from(content), identity, lock);

  it('keeps the owner from writing, and from removing the lock of the other one', async () => {
    const other = JSON.stringify({ ...newOwner(), id: randomUUID() });

    const error = await failureOf(
      withLock(lockPath, new Patience(), async (lock) => {
        writeFileSync(lockPath, other);
        await replaceWith('too late', lock);
      }),
    );

    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(error.message).toContain('Nothing was written');
    expect(readFileSync(lockPath, 'utf8')).toBe(other);
    expect(readdirSync(dirname(path)).sort()).toEqual(['secrets', 'secrets.lock']);
  });

  it('is not needed for a file to be exchanged: then the owner does not write either', async () => {
    const file = join(dirname(path), 'file');

    const error = await failureOf(
      withLock(lockPath, new Patience(), async (lock) => {
        writeFileSync(file, 'of somebody who heeds no lock');
        await replaceWith('mine', lock);
      }),
    );

    expect(error.code).toBe('UNAVAILABLE');
    expect(readFileSync(file, 'utf8')).toBe('of somebody who heeds no lock');
    expect(existsSync(lockPath)).toBe(false);
  });
});
