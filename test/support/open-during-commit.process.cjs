/**
 * Opens a store for another manager while the first one commits and LMDB holds its lock, in several rounds. Prints the
 * values of both. Arguments: path, key, number of rounds.
 */
const {
  EncryptedFileSecretManager,
} = require('../../lib/drivers/encrypted-file/encrypted-file.secret-manager.ts');

const LOCKED_MS = 100;
const [path, key, rounds] = process.argv.slice(2);

async function opened() {
  const manager = new EncryptedFileSecretManager({ path, key });
  await manager.validateEnvironment();
  return manager;
}

/** Waits until LMDB has begun to commit: after how many turns of the event loop is up to it. */
async function wait(turns) {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Blocks the main thread, so that another thread takes the lock and waits for this one. */
function block() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCKED_MS);
}

void (async () => {
  const first = await opened();
  await first.writeSecret('FIRST', 'older');
  const values = [];
  for (let round = 1; round <= Number(rounds); round++) {
    const other = await opened();
    const written = first.writeSecret('FIRST', `${round}`);
    await wait(round);
    block();
    await Promise.all([written, other.writeSecret('OTHER', `${round}`)]);
    values.push(['FIRST', 'OTHER'].map((name) => first.readSecretSync(name)?.value));
    await other.close();
  }
  process.stdout.write(JSON.stringify(values));
  await first.close();
})();
