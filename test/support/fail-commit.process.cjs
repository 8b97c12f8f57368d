/**
 * Lets LMDB fail to commit, because its lock file is two commits behind. Prints whether the commit was rejected. An
 * unhandled rejection ends the process. Arguments: path.
 */
const { openSync, writeSync } = require('node:fs');
const { openDatabase } = require('../../lib/drivers/encrypted-file/lmdb/database.ts');

const LAST_COMMIT = 8;
const KEYS = Array.from({ length: 100 }, (_, index) => Buffer.from(`key ${index}`));
const [path] = process.argv.slice(2);

void (async () => {
  const database = openDatabase(path);
  const putAll = () => {
    for (const key of KEYS) void database.put(key, Buffer.alloc(500), 0);
    return database.getWriteTxnId();
  };
  await database.transaction(putAll);
  await database.transaction(putAll);
  const last = Buffer.alloc(8);
  last.writeBigUInt64LE(BigInt((await database.transaction(putAll)) - 2));
  writeSync(openSync(`${path}-lock`, 'r+'), last, 0, 8, LAST_COMMIT);
  const [outcome] = await Promise.allSettled([database.transaction(putAll)]);
  await outcome.reason?.commitError?.catch(() => undefined); // as the driver does
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.stdout.write(outcome.status);
  process.exit(0);
})();
