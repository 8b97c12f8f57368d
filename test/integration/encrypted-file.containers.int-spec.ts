import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const SCRIPT = join(__dirname, '../support/write-secrets.process.cjs');
const COUNT = 60;

const canIsolate = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;

// only root may create process namespaces
if (canIsolate) {
  describe('an encrypted file that two containers with the same process id share', () => {
    afterEach(removeTemporaryFolders);

    it('has the writes of both', async () => {
      const path = join(temporaryFolder(), 'secrets');
      const key = randomBytes(32).toString('hex');
      const manager = new EncryptedFileSecretManager({ path, key });
      await manager.validateEnvironment();
      const isolated = (prefix: string) => {
        const args = [SCRIPT, path, key, prefix, '0', String(COUNT), 'create'];
        return promisify(execFile)('unshare', ['--pid', '--fork', process.execPath, ...args]);
      };

      const outputs = await Promise.all(['A', 'B'].map(isolated));

      const names = (await manager.listSecrets()).map(({ name }) => name);
      await manager.close();
      expect(names).toHaveLength(2 * COUNT);
      expect(outputs.map(({ stdout }) => stdout.trim().split('\n'))).toMatchObject(
        Array(2).fill({ length: COUNT }),
      );
    }, 60_000);
  });
} else {
  describe('containers', () => {
    it('cannot be used by this user', () => {
      expect(canIsolate).toBe(false);
    });
  });
}
