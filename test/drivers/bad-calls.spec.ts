import {
  isSecretManagerError,
  type CustomSecretManager,
  type OperationOptions,
} from 'nestjs-custom-secret-manager';
import { AwsParameterStoreSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { AzureKeyVaultSecretManager } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { ConjurSecretManager } from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import { DecryptingSecretManager } from 'nestjs-custom-secret-manager/drivers/decrypting';
import { DirectorySecretManager } from 'nestjs-custom-secret-manager/drivers/directory';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { EnvironmentSecretManager } from 'nestjs-custom-secret-manager/drivers/environment';
import { GoogleSecretManager } from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { join } from 'node:path';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

/** An address where nothing listens: a call that is refused sends nothing there. */
const NOWHERE = 'https://127.0.0.1:1';
const AWS = {
  region: 'eu-central-1',
  endpoint: NOWHERE,
  credentials: { accessKeyId: 'id', secretAccessKey: 'key' },
};
const getToken = (): Promise<never> => Promise.reject(new Error('nobody asks for a token'));

const MANAGERS: readonly (readonly [name: string, create: () => CustomSecretManager])[] = [
  ['Secrets Manager', () => new AwsSecretManager(AWS)],
  ['Parameter Store', () => new AwsParameterStoreSecretManager(AWS)],
  [
    'Key Vault',
    () =>
      new AzureKeyVaultSecretManager({
        vaultUrl: NOWHERE,
        trustedHosts: ['127.0.0.1:1'],
        auth: { getToken },
      }),
  ],
  [
    'Key Vault with mapped names',
    () =>
      new AzureKeyVaultSecretManager({
        vaultUrl: NOWHERE,
        trustedHosts: ['127.0.0.1:1'],
        mapName: 'dashes',
        auth: { getToken },
      }),
  ],
  [
    'Google Secret Manager',
    () =>
      new GoogleSecretManager({
        projectId: 'project-1',
        endpoint: NOWHERE,
        mapName: (name) => `x-${name}`,
        auth: { getAccessToken: getToken },
      }),
  ],
  [
    'Conjur',
    () =>
      new ConjurSecretManager({
        address: NOWHERE,
        account: 'account',
        auth: { method: 'api-key', login: 'login', apiKey: 'key' },
      }),
  ],
  [
    'Vault',
    () => new VaultSecretManager({ address: NOWHERE, auth: { method: 'token', token: 'token' } }),
  ],
  ['a directory', () => new DirectorySecretManager({ path: temporaryFolder() })],
  ['the environment', () => new EnvironmentSecretManager({ environment: {} })],
  [
    'an encrypted file',
    () =>
      new EncryptedFileSecretManager({
        path: join(temporaryFolder(), 'secrets'),
        passphrase: 'some words',
      }),
  ],
  [
    'another store with ciphertext',
    () =>
      new DecryptingSecretManager({
        inner: new InMemorySecretManager(),
        decrypt: (ciphertext) => ciphertext,
        encrypt: (plaintext) => plaintext,
      }),
  ],
];

/** Returns each way to call a manager, with the code of its failure. */
function calls(
  manager: CustomSecretManager,
  name: string,
  options?: OperationOptions,
): readonly (readonly [operation: string, call: () => unknown])[] {
  return [
    ['readSecret', () => manager.readSecret(name, options)],
    ['readSecretSync', () => manager.readSecretSync(name, options)],
    ['readSecrets', async () => valueOf((await manager.readSecrets([name], options)).get(name))],
    ['writeSecret', () => manager.writeSecret(name, 'value', options)],
    ['deleteSecret', () => manager.deleteSecret(name, options)],
    ['describeSecret', () => manager.describeSecret(name, options)],
  ];
}

function valueOf(answer: unknown): unknown {
  if (answer instanceof Error) throw answer;
  return answer;
}

async function outcomeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'nothing was thrown';
  } catch (thrown) {
    return isSecretManagerError(thrown) ? thrown.code : String(thrown);
  }
}

/** The managers that keep every name apart. The pipeline refuses the wrong ones. */
const TAKING_ANY_TEXT = ['Vault', 'an encrypted file'];

describe.each(MANAGERS)('the bare manager for %s', (store, create) => {
  let manager: CustomSecretManager;

  beforeEach(() => (manager = create()));

  afterEach(async () => {
    await manager.close();
    removeTemporaryFolders();
  });

  /** Resolves to the outcomes that are no refusal of the call. */
  async function surprises(name: unknown, options?: object): Promise<string[]> {
    const outcomes = calls(manager, name as string, options);
    const found: string[] = [];
    for (const [operation, call] of outcomes) {
      const outcome = await outcomeOf(call);
      const isMissing = outcome === 'UNSUPPORTED' && !operation.startsWith('read');
      const isDefault = operation === 'describeSecret' && outcome === 'nothing was thrown';
      if (outcome !== 'INVALID_ARGUMENT' && !isMissing && !isDefault) {
        found.push(`${operation}: ${outcome}`);
      }
    }
    return found;
  }

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 42],
    ['an object', { toString: () => 'KEY' }],
    ['a list', ['KEY']],
    ['a symbol', Symbol('KEY')],
  ])('refuses a name that is %s, in every kind of call', async (_kind, name) => {
    expect(await surprises(name)).toEqual([]);
  });

  if (!TAKING_ANY_TEXT.includes(store)) {
    it.each(['', '../KEY', 'KEY\nKEY', 'K%2fEY'])(
      'refuses the name %j, in every kind of call',
      async (name) => expect(await surprises(name)).toEqual([]),
    );
  }

  it.each([
    ['null', null],
    ['a text', 'version'],
    ['a number', 3],
    ['a list', ['version']],
    ['a function', () => ({})],
  ])('refuses `params` that are %s, in every kind of call', async (_kind, params) => {
    expect(await surprises('KEY', { params })).toEqual([]);
  });
});
