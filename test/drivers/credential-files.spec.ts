import type { CustomSecretManager, SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { AzureKeyVaultSecretManager } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { ConjurSecretManager } from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import { GoogleSecretManager } from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BoundaryPolicy } from '../../lib/policies/boundary.policy';
import { selfSigned } from '../integration/support/self-signed';
import { failureOf } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

/** An address where nothing listens. Every file is read before the first request. */
const NOWHERE = 'https://127.0.0.1:1';
const RSA = selfSigned('app', 'rsa');
const IDS = { tenantId: 'tenant', clientId: 'client' };
const AZURE = {
  vaultUrl: NOWHERE,
  authorityHost: NOWHERE,
  trustedHosts: ['127.0.0.1:1'],
};
const CONJUR = { address: NOWHERE, account: 'account' };

function serviceAccount(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return JSON.stringify({
    type: 'service_account',
    project_id: 'payments-prod',
    private_key_id: 'id',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'app@payments-prod.iam.gserviceaccount.com',
  });
}

const SERVICE_ACCOUNT = serviceAccount();

type Case = readonly [
  what: string,
  content: string,
  code: SecretManagerErrorCode,
  create: (path: string) => CustomSecretManager,
];

const CASES: readonly Case[] = [
  [
    'the token file of Vault',
    's.token',
    'MISCONFIGURED',
    (path) => new VaultSecretManager({ address: NOWHERE, auth: { method: 'token-file', path } }),
  ],
  [
    'the service account of Vault',
    'a.b.c',
    'MISCONFIGURED',
    (jwtFile) =>
      new VaultSecretManager({
        address: NOWHERE,
        auth: { method: 'kubernetes', role: 'role', jwtFile },
      }),
  ],
  [
    'an authority',
    RSA.cert,
    'MISCONFIGURED',
    (caFile) =>
      new VaultSecretManager({
        address: NOWHERE,
        auth: { method: 'token', token: 's.token' },
        tls: { caFile },
      }),
  ],
  [
    'the federated token of Azure',
    'a.b.c',
    'UNAUTHENTICATED',
    (tokenFile) =>
      new AzureKeyVaultSecretManager({
        ...AZURE,
        auth: { method: 'workload-identity', ...IDS, tokenFile },
      }),
  ],
  [
    'the private key of Azure',
    RSA.key,
    'UNAUTHENTICATED',
    (privateKeyFile) =>
      new AzureKeyVaultSecretManager({
        ...AZURE,
        auth: { method: 'certificate', ...IDS, certificate: RSA.cert, privateKeyFile },
      }),
  ],
  [
    'the access token of Conjur',
    '{}',
    'UNAVAILABLE',
    (path) => new ConjurSecretManager({ ...CONJUR, auth: { method: 'token-file', path } }),
  ],
  [
    'the JWT of Conjur',
    'a.b.c',
    'UNAVAILABLE',
    (jwtFile) =>
      new ConjurSecretManager({ ...CONJUR, auth: { method: 'jwt', serviceId: 'id', jwtFile } }),
  ],
  [
    'the key of a service account of Google',
    SERVICE_ACCOUNT,
    'MISCONFIGURED',
    (keyFile) =>
      new GoogleSecretManager(
        { endpoint: NOWHERE, auth: { method: 'service-account', keyFile } },
        {},
      ),
  ],
];

describe('a file with a credential', () => {
  let path: string;
  let manager: CustomSecretManager | undefined;

  beforeEach(() => (path = join(temporaryFolder(), 'file')));

  afterEach(async () => {
    await manager?.close();
    manager = undefined;
    removeTemporaryFolders();
  });

  describe.each(CASES)('that is %s', (_, content, code, create) => {
    it('is not waited for at start if it is a pipe', async () => {
      execFileSync('mkfifo', [path]);
      manager = create(path);

      const error = await failureOf(() => manager?.validateEnvironment());

      expect(error.code).toBe('MISCONFIGURED');
      expect(error.message).toContain('cannot be read');
    });

    it('is not waited for later if it is a pipe then', async () => {
      writeFileSync(path, content);
      manager = create(path);
      await manager.validateEnvironment();
      rmSync(path);
      execFileSync('mkfifo', [path]);

      const translated = new BoundaryPolicy(manager);
      const failures = [
        await failureOf(translated.readSecret('KEY')),
        await failureOf(() => translated.readSecretSync('KEY')),
      ];

      expect(failures.map((failure) => failure.code)).toEqual([code, code]);
    });

    it('is not read if it is as large as no credential', async () => {
      writeFileSync(path, content);
      truncateSync(path, 4 * 1024 * 1024 + 1);
      manager = create(path);

      const { message } = await failureOf(() => manager?.validateEnvironment());

      expect(message).toContain('cannot be read');
    });
  });
});
