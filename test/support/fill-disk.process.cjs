/** Writes to a store until a write fails. Prints the acknowledged writes, the failure, and the readable secrets. */
const {
  EncryptedFileSecretManager,
} = require('../../lib/drivers/encrypted-file/encrypted-file.secret-manager.ts');

const [path, key] = process.argv.slice(2);
console.error = () => undefined; // lmdb prints failures

void (async () => {
  const manager = new EncryptedFileSecretManager({ path, key });
  await manager.validateEnvironment();
  const acknowledged = [];
  const failures = [];
  for (let number = 0; failures.length < 3; number++) {
    try {
      await manager.writeSecret(`KEY_${number}`, 'x'.repeat(10_000));
      acknowledged.push(`KEY_${number}`);
    } catch ({ code, message }) {
      failures.push({ code, message });
    }
  }
  const readings = await manager.readSecrets(acknowledged);
  const read = [...readings].filter(([, reading]) => reading?.value.length === 10_000);
  await manager.deleteSecret(acknowledged[0], { recoveryWindowInDays: 0 }).catch(() => undefined);
  await manager.close();
  console.log(JSON.stringify({ acknowledged, failures, read: read.length }));
})();
