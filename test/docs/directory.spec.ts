import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { DirectorySecretManager } from 'nestjs-custom-secret-manager/drivers/directory';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

@Module({
  imports: [
    SecretManagerModule.forRoot({
      manager: {
        useFactory: () => new DirectorySecretManager({ path: process.env.SECRETS_DIR }),
      },
    }),
  ],
})
class AppModule {}

describe('The page of the directory driver', () => {
  afterEach(() => {
    delete process.env.SECRETS_DIR;
    removeTemporaryFolders();
  });

  it('reads a mounted file without its final line break', async () => {
    process.env.SECRETS_DIR = temporaryFolder();
    writeFileSync(join(process.env.SECRETS_DIR, 'DB_PASSWORD'), 'of the database\n');
    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();

    const value = app.get(SecretsService).getSync('DB_PASSWORD');
    await app.close();

    expect(value).toBe('of the database');
  });
});
