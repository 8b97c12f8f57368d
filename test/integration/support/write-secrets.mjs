// Writes to a store until it has written enough or is killed, and says on its output what has been acknowledged.
// Arguments: path, key, the prefix of its names, the first number, how many numbers, and `create` to create only.
import { writeSync } from 'node:fs';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';

const [path, key, prefix, first, count, createOnly] = process.argv.slice(2);
const manager = new EncryptedFileSecretManager({ path, key });
await manager.validateEnvironment();
for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const name = createOnly ? `${prefix}_${number}` : `${prefix}_${number % 5}`;
  const value = `${number} ${'x'.repeat(1_024)}`;
  try {
    await manager.writeSecret(name, value, { createOnly: Boolean(createOnly) });
    writeSync(1, `${number}\n`);
  } catch (error) {
    if (error.code !== 'CONFLICT') throw error;
  }
}
await manager.close();
