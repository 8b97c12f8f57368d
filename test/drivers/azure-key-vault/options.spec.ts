import {
  AzureKeyVaultSecretManager,
  type AzureKeyVaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../integration/support/self-signed';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';
import { BY_SECRET, IDS } from './fixture';

const CANARY = 'canary-2f8c91b7';
const RIGHT: AzureKeyVaultSecretManagerOptions = {
  vaultUrl: 'https://my-vault.vault.azure.net',
  auth: BY_SECRET,
};
const RSA = selfSigned('app', 'rsa');
const EC = selfSigned('app');
const PAIR = { certificate: RSA.cert, privateKey: RSA.key };

function problemsOf(manager: AzureKeyVaultSecretManager): Promise<string> {
  return failureOf(() => manager.validateEnvironment()).then(({ code, message }) => {
    return `${code} ${message}`;
  });
}

const managerWith = (options: object): AzureKeyVaultSecretManager =>
  new AzureKeyVaultSecretManager({ ...RIGHT, ...options });

describe('the options of the manager for Azure Key Vault', () => {
  it.each<[string, object]>([
    ['a vault of the public cloud', {}],
    ['a slash at the end', { vaultUrl: 'https://my-vault.vault.azure.net/' }],
    ['a vault in China', { vaultUrl: 'https://my-vault.vault.azure.cn' }],
    ['a vault of the government', { vaultUrl: 'https://my-vault.vault.usgovcloudapi.net' }],
    ['a trusted host', { vaultUrl: 'https://kv.example', trustedHosts: ['kv.example'] }],
    [
      'a trusted host on loopback',
      { vaultUrl: 'http://127.0.0.1:8443', trustedHosts: ['127.0.0.1:8443'] },
    ],
    ['mapped names', { mapName: 'dashes' }],
    ['a function for names', { mapName: (name: string) => name }],
    ['a certificate', { auth: { method: 'certificate', ...IDS, ...PAIR } }],
    ['a managed identity', { auth: { method: 'managed-identity' } }],
    [
      'the endpoint of an identity',
      { auth: { method: 'managed-identity', endpoint: 'http://169.254.169.254' } },
    ],
    ['a credential object', { auth: { getToken: () => null, anything: true } }],
    ['a proxy', { proxy: 'http://proxy.example:3128', noProxy: 'localhost' }],
  ])('may be %s', (_, options) => {
    expect(() => managerWith(options).validateEnvironment()).not.toThrow();
  });

  it.each<[string, object, RegExp]>([
    ['no vault', { vaultUrl: undefined }, /vaultUrl is missing/],
    ['an empty vault', { vaultUrl: '' }, /vaultUrl is empty/],
    ['no URL', { vaultUrl: 'my-vault' }, /vaultUrl must be a URL/],
    ['another host', { vaultUrl: 'https://evil.example' }, /list it in trustedHosts/],
    [
      'a host that ends alike',
      { vaultUrl: 'https://evilvault.azure.net' },
      /list it in trustedHosts/,
    ],
    [
      'a host below a vault',
      { vaultUrl: 'https://a.b.vault.azure.net' },
      /list it in trustedHosts/,
    ],
    ['a port', { vaultUrl: 'https://a.vault.azure.net:8443' }, /list it in trustedHosts/],
    ['loopback that is not listed', { vaultUrl: 'http://127.0.0.1:1' }, /list it in trustedHosts/],
    ['plain http', { vaultUrl: 'http://my-vault.vault.azure.net' }, /in the clear/],
    [
      'plain http to a host of Azure',
      { vaultUrl: 'http://my-vault.vault.azure.net', allowInsecureHttp: true },
      /list it in trustedHosts/,
    ],
    ['a password in the URL', { vaultUrl: `https://a:${CANARY}@a.vault.azure.net` }, /user name/],
    [
      'the path of a secret',
      { vaultUrl: 'https://a.vault.azure.net/secrets' },
      /end with the host/,
    ],
    ['an unknown option', { vaultName: 'x' }, /"vaultName" is not an option/],
    ['another way of mapping', { mapName: 'underscores' }, /mapName must be "dashes"/],
    ['no list of hosts', { trustedHosts: 'kv.example' }, /trustedHosts must be an array/],
    ['a URL as a host', { trustedHosts: ['https://kv.example'] }, /trustedHosts must hold host/],
    ['a plain login service', { authorityHost: 'http://login.example' }, /authorityHost begins/],
    ['no login', { auth: undefined }, /auth is missing/],
    ['another login', { auth: { method: 'password' } }, /auth\.method must be one of/],
    ['no secret', { auth: { method: 'client-secret', ...IDS } }, /auth\.clientSecret must be/],
    [
      'a tenant that is a path',
      { auth: { ...BY_SECRET, tenantId: '../common' } },
      /auth\.tenantId must be the id/,
    ],
    ['an option of another login', { auth: { ...BY_SECRET, tokenFile: CANARY } }, /"tokenFile"/],
    [
      'no certificate',
      { auth: { method: 'certificate', ...IDS, privateKey: RSA.key } },
      /one of certificate and certificateFile/,
    ],
    [
      'a missing file',
      { auth: { method: 'certificate', ...IDS, ...PAIR, certificateFile: '/nowhere' } },
      /"\/nowhere"\) cannot be read/,
    ],
    [
      'the key of another certificate',
      { auth: { method: 'certificate', ...IDS, certificate: EC.cert, privateKey: RSA.key } },
      /belong to the certificate/,
    ],
    [
      'a key that is not RSA',
      { auth: { method: 'certificate', ...IDS, certificate: EC.cert, privateKey: EC.key } },
      /the key RSA/,
    ],
    [
      'a certificate that is no PEM',
      { auth: { method: 'certificate', ...IDS, certificate: CANARY, privateKey: CANARY } },
      /is each of them PEM/,
    ],
    [
      'a missing token file',
      { auth: { method: 'workload-identity', ...IDS, tokenFile: '/nowhere' } },
      /auth\.tokenFile \("\/nowhere"\) cannot be read/,
    ],
    [
      'an identity over plain http',
      { auth: { method: 'managed-identity', endpoint: 'http://identity.example' } },
      /auth\.endpoint begins with http/,
    ],
  ])('are MISCONFIGURED with %s', async (_, options, text) => {
    const problems = await problemsOf(managerWith(options));

    expect(problems).toMatch(/^MISCONFIGURED/);
    expect(problems).toMatch(text);
    expect(leaks(problems, CANARY)).toBe(false);
  });

  it('report all problems at once, at each operation', async () => {
    const manager = managerWith({ vaultUrl: 'x', auth: { method: 'client-secret' }, typo: 1 });

    const failed = await failureOf(manager.readSecret('API-KEY'));

    for (const part of ['vaultUrl', 'auth.tenantId', 'auth.clientId', 'auth.clientSecret', 'typo'])
      expect(failed.message).toContain(part);
    await manager.close();
  });

  it('report every missing part of a certificate at once', async () => {
    const problems = await problemsOf(managerWith({ auth: { method: 'certificate' } }));

    for (const part of ['auth.tenantId', 'auth.clientId', 'certificateFile', 'privateKeyFile'])
      expect(problems).toContain(part);
  });

  it('show no secret of themselves', () => {
    const manager = managerWith({ auth: { ...BY_SECRET, clientSecret: CANARY } });

    expect(leaks(everythingOf(manager), CANARY)).toBe(false);
  });
});

describe('the variables of the process beside the options for Azure Key Vault', () => {
  const folder = mkdtempSync(join(tmpdir(), 'azure-'));
  const tokenFile = join(folder, 'token');
  const before = { ...process.env };

  beforeAll(() => writeFileSync(tokenFile, 'token'));
  afterEach(() => void (process.env = { ...before }));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    'login.microsoftonline.us',
    'http://login.example',
    `https://u:${CANARY}@login.example`,
  ])('are MISCONFIGURED with the login service %s of a pod', async (host) => {
    process.env.AZURE_AUTHORITY_HOST = host;
    const auth = { method: 'workload-identity', ...IDS, tokenFile };

    const problems = await problemsOf(managerWith({ auth }));

    expect(problems).toMatch(/^MISCONFIGURED .*\n- the variable AZURE_AUTHORITY_HOST/);
    expect(leaks(problems, CANARY)).toBe(false);
  });

  it('do not count where the options give the login service or the endpoint', () => {
    process.env.AZURE_AUTHORITY_HOST = 'no URL';
    process.env.IDENTITY_ENDPOINT = 'http://192.0.2.1';
    process.env.IDENTITY_HEADER = 'header';
    const pod = { method: 'workload-identity', ...IDS, tokenFile };
    const machine = { method: 'managed-identity', endpoint: 'http://169.254.169.254' };

    for (const options of [
      { auth: pod, authorityHost: 'https://login.microsoftonline.us' },
      { auth: machine },
    ])
      expect(() => managerWith(options).validateEnvironment()).not.toThrow();
  });
});

describe('the environment of the manager for Azure Key Vault', () => {
  const folder = mkdtempSync(join(tmpdir(), 'azure-'));
  const file = join(folder, 'app.pem');
  const encrypted = join(folder, 'no.pem');

  beforeAll(() => {
    writeFileSync(file, `${RSA.cert}${RSA.key}`);
    writeFileSync(encrypted, 'Bag Attributes');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const VAULT = { AZURE_KEY_VAULT_URI: RIGHT.vaultUrl };
  const APP = { AZURE_TENANT_ID: IDS.tenantId, AZURE_CLIENT_ID: IDS.clientId };

  it.each<[string, Record<string, string>]>([
    ['a client secret', { ...APP, AZURE_CLIENT_SECRET: 'secret' }],
    ['a certificate', { ...APP, AZURE_CLIENT_CERTIFICATE_PATH: file }],
    ['a workload identity', { ...APP, AZURE_FEDERATED_TOKEN_FILE: file }],
    ['a managed identity', {}],
    ['an identity of the app', { IDENTITY_ENDPOINT: 'http://localhost:1', IDENTITY_HEADER: 'h' }],
    ['another login service', { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us/' }],
  ])('may have %s', (_, variables) => {
    const manager = AzureKeyVaultSecretManager.fromEnvironment({ ...VAULT, ...variables });

    expect(() => manager.validateEnvironment()).not.toThrow();
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['no vault', { AZURE_KEY_VAULT_URI: '' }, /vaultUrl is missing/],
    ['a secret without its tenant', { AZURE_CLIENT_SECRET: CANARY }, /auth\.tenantId must be/],
    [
      'a certificate with a password',
      {
        ...APP,
        AZURE_CLIENT_CERTIFICATE_PATH: encrypted,
        AZURE_CLIENT_CERTIFICATE_PASSWORD: CANARY,
      },
      /AZURE_CLIENT_CERTIFICATE_PASSWORD is set, and cannot be used/,
    ],
    [
      'an identity of the app over plain http',
      { IDENTITY_ENDPOINT: 'http://evil.example', IDENTITY_HEADER: CANARY },
      /the variable IDENTITY_ENDPOINT begins with http/,
    ],
  ])('is MISCONFIGURED with %s', async (_, variables, text) => {
    const manager = AzureKeyVaultSecretManager.fromEnvironment({ ...VAULT, ...variables });

    const problems = await problemsOf(manager);

    expect(problems).toMatch(text);
    expect(leaks(problems, CANARY)).toBe(false);
  });

  it('yields to overrides', () => {
    const manager = AzureKeyVaultSecretManager.fromEnvironment({}, RIGHT);

    expect(() => manager.validateEnvironment()).not.toThrow();
  });
});
