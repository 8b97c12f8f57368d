import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { Keyring } from '../../../lib/drivers/encrypted-file/keys/keyring';
import { pathOf } from '../../../lib/drivers/encrypted-file/seals/places';
import { EncryptedStore } from '../../../lib/drivers/encrypted-file/store/encrypted-store';
import { openDatabase, type Database } from '../../../lib/drivers/encrypted-file/lmdb/database';
import { readSnapshot } from '../../../lib/drivers/encrypted-file/store/snapshot';
import { useStore } from '../../support/encrypted-file';
import { failureOf } from '../../support/failure-of';

const store = useStore();

/** Returns the stored bytes of a key, which need no key to read. */
function bytesOf(key: Buffer, path = store.path): Buffer {
  return readSnapshot(path, (file) => Buffer.from(file.find(key) ?? Buffer.of()));
}

/** Changes the store like somebody who can write the file, but has no key. */
async function tamper(change: (database: Database) => void): Promise<void> {
  const database = openDatabase(store.path);
  database.transactionSync(() => change(database));
  await database.close();
}

/** Returns the keys of every part on the path to a secret. */
function keysOf(name: string): Record<'record' | 'bucket' | 'node' | 'head', Buffer> {
  const keyring = new Keyring({ from: 'key', key: store.key });
  const { node, bucket, recordKey } = new EncryptedStore(store.path, keyring).readSync((tree) =>
    pathOf(name, tree.keys.authentication),
  );
  return {
    record: recordKey,
    bucket: Buffer.from(['b'.charCodeAt(0), node, bucket]),
    node: Buffer.from(['n'.charCodeAt(0), node]),
    head: Buffer.from('head'),
  };
}

async function codesOf(...calls: readonly (() => unknown)[]): Promise<readonly string[]> {
  return await Promise.all(calls.map(async (call) => (await failureOf(call)).code));
}

const everyWay = (): Promise<readonly string[]> =>
  codesOf(
    () => store.manager.readSecret('KEY'),
    () => store.manager.readSecretSync('KEY'),
    () => store.manager.describeSecret('KEY'),
    () => store.manager.writeSecret('KEY', 'newer'),
    () => store.manager.checkHealth(),
    () => store.opened(),
  );

beforeEach(async () => {
  await store.manager.writeSecret('KEY', 'old');
  await store.manager.writeSecret('OTHER', 'value of the other');
});

describe('a store in which somebody without its key', () => {
  const parts = ['record', 'bucket', 'node', 'head'] as const;

  it.each(parts)('removed the %s of a secret is MALFORMED', async (part) => {
    const { [part]: key } = keysOf('KEY');
    await tamper((database) => void database.remove(key));

    expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
  });

  it('changed the number that a commit compares is MALFORMED', async () => {
    const head = bytesOf(Buffer.from('head'));
    await tamper((database) => void database.put(Buffer.from('head'), head, 1));

    expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
  });

  it('restored an older state is MALFORMED for a process that has seen the newer one', async () => {
    copyFileSync(store.path, `${store.path}.older`);
    await store.manager.writeSecret('KEY', 'newer');
    copyFileSync(`${store.path}.older`, store.path);

    const ways = [
      () => store.manager.readSecret('KEY'),
      () => store.manager.readSecretSync('KEY'),
      () => store.manager.writeSecret('KEY', 'newest'),
      () => store.manager.checkHealth(),
    ];

    expect(await codesOf(...ways)).toEqual(Array(4).fill('MALFORMED'));
    const error = await failureOf(store.manager.readSecret('KEY'));
    expect(error.message).toContain('older than this process has seen it');
    expect(await (await store.opened()).readSecret('KEY')).toMatchObject({ value: 'old' });
  });

  it('raised the number of an older commit is MALFORMED', async () => {
    await store.manager.writeSecret('KEY', 'newer');
    const bytes = readFileSync(store.path);
    const pageSize = bytes.readUInt32LE(48);
    const transactionAt = [152, pageSize + 152].sort((one, other) =>
      Number(bytes.readBigUInt64LE(one) - bytes.readBigUInt64LE(other)),
    );
    const [older = 0, newer = 0] = transactionAt;
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(newer) + 2n, older);
    writeFileSync(store.path, bytes);

    expect((await failureOf(store.manager.readSecret('KEY'))).code).toBe('MALFORMED');
  });

  it.each(parts)('changed a byte of the %s of a secret is MALFORMED', async (part) => {
    const { [part]: key } = keysOf('KEY');
    const bytes = bytesOf(key);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await tamper((database) => void database.put(key, bytes, 0));

    expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
  });

  it.each(['record', 'bucket', 'node'] as const)(
    'restored an older %s of a secret is MALFORMED',
    async (part) => {
      const { [part]: key } = keysOf('KEY');
      const old = bytesOf(key);
      await store.manager.writeSecret('KEY', 'new');
      await tamper((database) => void database.put(key, old, 0));

      expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
    },
  );

  it('restored an older version of everything but the head is MALFORMED', async () => {
    const { record, bucket, node } = keysOf('KEY');
    const old = [record, bucket, node].map((key) => [key, bytesOf(key)] as const);
    await store.manager.writeSecret('KEY', 'new');
    await tamper((database) => {
      for (const [key, bytes] of old) void database.put(key, bytes, 0);
    });

    expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
  });

  it('restored an older head is MALFORMED', async () => {
    const { head } = keysOf('KEY');
    const old = bytesOf(head);
    await store.manager.writeSecret('KEY', 'new');
    await tamper((database) => void database.put(head, old, 0));

    expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
  });

  it('exchanged two secrets is MALFORMED', async () => {
    const [one, other] = [keysOf('KEY').record, keysOf('OTHER').record];
    const [bytes, otherBytes] = [bytesOf(one), bytesOf(other)];
    await tamper((database) => {
      void database.put(one, otherBytes, 0);
      void database.put(other, bytes, 0);
    });

    expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
  });

  it('restored a removed secret still has no such secret', async () => {
    const { record, bucket } = keysOf('KEY');
    const [oldRecord, oldBucket] = [bytesOf(record), bytesOf(bucket)];
    await store.manager.deleteSecret('KEY', { recoveryWindowInDays: 0 });
    await tamper((database) => {
      void database.put(record, oldRecord, 0);
      void database.put(bucket, oldBucket, 0);
    });

    expect(await store.manager.readSecret('KEY')).toBeUndefined();
  });

  it('moved a secret from another store with the same key is MALFORMED', async () => {
    const { record } = keysOf('KEY');
    const other = await store.opened({ path: `${store.path}-2`, key: store.key });
    await other.writeSecret('KEY', 'of the other store');
    const foreign = bytesOf(Buffer.from('head'), `${store.path}-2`);
    await tamper((database) => void database.put(record, foreign, 0));

    expect(await everyWay()).toEqual(Array(6).fill('MALFORMED'));
  });

  it('damaged one secret still returns the others', async () => {
    const { record } = keysOf('KEY');
    await tamper((database) => void database.remove(record));

    expect(await store.valueOf('OTHER')).toBe('value of the other');
    const [failed, written] = await Promise.allSettled([
      store.manager.writeSecret('KEY', 'newer'),
      store.manager.writeSecret('OTHER', 'newer'),
    ]);
    expect([failed.status, written.status]).toEqual(['rejected', 'fulfilled']);
  });

  it('restored an older copy of the whole file is not detected', async () => {
    copyFileSync(store.path, `${store.path}.older`);
    await store.manager.writeSecret('KEY', 'new');
    await store.manager.close();
    copyFileSync(`${store.path}.older`, store.path);

    await store.reopen();

    expect(await store.valueOf('KEY')).toBe('old');
    await store.manager.writeSecret('KEY', 'newest');
    expect(await store.valueOf('KEY')).toBe('newest');
  });
});
