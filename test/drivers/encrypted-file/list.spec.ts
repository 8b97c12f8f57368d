import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';

const DAY_MS = 86_400_000;

describe('the list of an encrypted file', () => {
  let manager: EncryptedFileSecretManager;

  beforeEach(async () => {
    const path = join(temporaryFolder(), 'secrets');
    manager = new EncryptedFileSecretManager({ path, key: randomBytes(32) });
    await manager.validateEnvironment();
  });

  afterEach(async () => {
    jest.useRealTimers();
    await manager.close();
    removeTemporaryFolders();
  });

  it('holds names and versions in the order of the names, and no value', async () => {
    for (const name of ['b', 'team/a', 'A']) await manager.writeSecret(name, 'canary');
    const { version } = await manager.writeSecret('b', 'canary');

    const listed = await manager.listSecrets();

    expect(listed.map(({ name }) => name)).toEqual(['A', 'b', 'team/a']);
    expect(listed[1]).toEqual({ name: 'b', version });
    expect(JSON.stringify(listed)).not.toContain('canary');
  });

  it('has the end of a recovery window, and leaves out the secret after that', async () => {
    await manager.writeSecret('a', 'value');
    const { deletionAt } = await manager.deleteSecret('a', { recoveryWindowInDays: 1 });

    const before = await manager.listSecrets();
    jest.useFakeTimers({ advanceTimers: true, now: Date.now() + DAY_MS + 1 });
    const after = await manager.listSecrets();

    expect(before).toEqual([expect.objectContaining({ name: 'a', deletionAt })]);
    expect(after).toEqual([]);
  });
});
