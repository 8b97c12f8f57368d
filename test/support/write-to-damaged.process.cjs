/**
 * Changes bytes of copies of a store, and reads and writes the copies. Prints the rounds, and every wrong result that
 * was not reported. A copy that crashes the process fails the test.
 */
const { copyFileSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const {
  EncryptedFileSecretManager,
} = require('../../lib/drivers/encrypted-file/encrypted-file.secret-manager.ts');

const PAGE_BYTES = 4_096;
const REPORTS = ['MALFORMED', 'MISCONFIGURED', 'UNAVAILABLE'];
const [path, key, roundCount] = process.argv.slice(2);

void (async () => {
  const content = readFileSync(path);
  const wrong = [];
  for (let round = 0; round < Number(roundCount); round++) {
    const copy = `${path}-copy`;
    copyFileSync(path, copy);
    writeFileSync(copy, damaged(content, round));
    const manager = new EncryptedFileSecretManager({ path: copy, key });
    for (const index of [1, 20, 40]) {
      const name = `SECRET_${index}`;
      try {
        await manager.writeSecret(name, `new ${round}`);
        const value = (await manager.readSecret(name))?.value;
        if (value !== `new ${round}`) wrong.push([round, name]);
      } catch (error) {
        if (!REPORTS.includes(error.code)) wrong.push([round, error.code ?? error.message]);
      }
    }
    await manager.close();
    for (const file of [copy, `${copy}-lock`]) rmSync(file, { force: true });
  }
  console.log(JSON.stringify({ rounds: Number(roundCount), wrong }));
})();

function damaged(content, round) {
  const changed = Buffer.from(content);
  for (let flips = 0; flips < 1 + (round % 4); flips++) {
    const page = Math.floor((Math.random() * content.length) / PAGE_BYTES) * PAGE_BYTES;
    changed[page + Math.floor(Math.random() * (round % 2 ? 100 : PAGE_BYTES))] =
      Math.random() * 256;
  }
  return changed;
}
