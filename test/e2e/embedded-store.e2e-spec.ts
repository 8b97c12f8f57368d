import { Logger } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { CustomSecretManager } from 'nestjs-custom-secret-manager';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseStore } from '../../sample-app/src/store/choose-store';
import { makeEmbeddedStore } from '../../sample-app/src/store/embedded-store';
import { CapturedLog } from '../support/application';
import { failureOf, leaks } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

describe('the embedded store of the gateway', () => {
  let folder: string;
  let log: CapturedLog;

  beforeEach(() => {
    folder = join(temporaryFolder(), 'data');
    log = new CapturedLog();
    Logger.overrideLogger(log);
  });

  afterEach(removeTemporaryFolders);

  it('has a master key from its first start on, which stays the same', async () => {
    const first = await makeEmbeddedStore(folder);
    const before = await first.readSecret('MASTER_KEY');
    await first.close();

    const second = await makeEmbeddedStore(folder);

    expect(before?.value).toMatch(/^sk-[\w-]{43}$/);
    expect(await second.readSecret('MASTER_KEY')).toEqual(before);
  });

  it('names the file of its key, but neither the key nor a secret', async () => {
    const store = await makeEmbeddedStore(folder);
    const masterKey = (await store.readSecret('MASTER_KEY'))?.value ?? '';
    const key = readFileSync(join(folder, 'secrets.key'), 'utf8').trim();

    const printed = log.lines.join('\n');

    expect(printed).toContain(join(folder, 'secrets.key'));
    expect([key, masterKey].filter((canary) => leaks(printed, canary))).toEqual([]);
  });

  it('does not start with another key, and leaves its files unchanged', async () => {
    await (await makeEmbeddedStore(folder)).close();
    const before = readFileSync(join(folder, 'secrets'));
    writeFileSync(join(folder, 'secrets.key'), 'ab'.repeat(32));

    const error = await failureOf(makeEmbeddedStore(folder));

    expect(error.code).toBe('MISCONFIGURED');
    expect(readFileSync(join(folder, 'secrets'))).toEqual(before);
  });
});

describe('the store of the gateway', () => {
  const chosen = async (environment: Record<string, string>): Promise<string> => {
    const manager: CustomSecretManager = await chooseStore(new ConfigService(environment));
    await manager.close();
    return manager.secretManagerName;
  };

  beforeEach(() => {
    Logger.overrideLogger(new CapturedLog());
  });

  afterEach(removeTemporaryFolders);

  it.each([
    ['encrypted-file', {}],
    ['encrypted-file', { VAULT_ADDR: '' }],
    ['team-store', { STORE_ADDR: 'http://127.0.0.1:1', STORE_TOKEN: 'token' }],
    ['team-store', { STORE_TOKEN: 'token', VAULT_ADDR: 'http://127.0.0.1:1' }],
    ['hashicorp-vault', { VAULT_ADDR: 'http://127.0.0.1:1' }],
    ['hashicorp-vault', { BAO_ADDR: 'http://127.0.0.1:1' }],
    ['aws-secrets-manager', { SECRET_STORE: 'aws', AWS_REGION: 'eu-central-1' }],
    ['aws-secrets-manager', { SECRET_STORE: 'aws-secrets-manager' }],
    [
      'aws-parameter-store',
      { SECRET_STORE: 'aws-parameter-store', VAULT_ADDR: 'http://127.0.0.1:1' },
    ],
    ['google-secret-manager', { SECRET_STORE: 'google-secret-manager' }],
    ['azure-key-vault', { SECRET_STORE: 'azure-key-vault' }],
    ['cyberark-conjur', { SECRET_STORE: 'cyberark-conjur' }],
    ['encrypted-file', { SECRET_STORE: 'encrypted-file' }],
  ])('is %s with %j', async (name, environment) => {
    const manager = await chosen({ DATA_DIR: temporaryFolder(), ...environment });

    expect(manager).toBe(name);
  });

  it.each([
    ['vault', /SECRET_STORE is "vault", which is no store of the gateway.*hashicorp-vault/],
    ['constructor', /no store of the gateway/],
    ['decrypting', /set AWS_KMS_KEY_ID, GOOGLE_KMS_KEY or VAULT_TRANSIT_KEY/],
  ])('is refused for SECRET_STORE=%s', async (SECRET_STORE, message) => {
    const error = await failureOf(() => chosen({ SECRET_STORE }));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(message);
  });
});
