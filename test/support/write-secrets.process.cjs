/**
 * Writes to a store until it has written enough or is killed. Prints each acknowledged number: the value of the secret
 * `prefix_N % 5` is `N`. Arguments: path, key, prefix, first number, number of writes, and `create` for createOnly.
 */
const { writeSync } = require('node:fs');
const source = process.execArgv.some((argument) => argument.endsWith('register-typescript.cjs'))
  ? '../../lib/drivers/encrypted-file/encrypted-file.secret-manager.ts'
  : 'nestjs-custom-secret-manager/drivers/encrypted-file';
const { EncryptedFileSecretManager } = require(source);

const [path, key, prefix, first, count, createOnly] = process.argv.slice(2);

void (async () => {
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
})();
