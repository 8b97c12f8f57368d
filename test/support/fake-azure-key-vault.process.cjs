/**
 * The fake of Azure Key Vault in its own process, because a blocked thread cannot answer itself. Its options are the
 * argument, as JSON. A message `{ method, args }` calls it. Ends with its parent process.
 */
const { FakeAzureKeyVault } = require('./fake-azure-key-vault.ts');

const fake = new FakeAzureKeyVault(JSON.parse(process.argv[2]));
process.on('message', ({ method, args }) => {
  try {
    process.send({ answer: fake[method](...args) });
  } catch (error) {
    process.send({ error: String(error) });
  }
});
process.on('disconnect', () => process.exit());
void fake.start().then(() => process.send({ answer: fake.host }));
