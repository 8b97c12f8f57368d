import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';

const RIGHT: VaultSecretManagerOptions = {
  address: 'https://vault.example:8200',
  auth: { method: 'token', token: 's.right' },
};
const CANARY = 'canary-9f2b7c51';

function problemOf(options: object): Promise<string> {
  const manager = new VaultSecretManager(options as VaultSecretManagerOptions);
  return failureOf(() => manager.validateEnvironment()).then(
    ({ code, message }) => `${code} ${message}`,
  );
}

describe('the options of the manager for Vault', () => {
  it.each<[string, object]>([
    ['https', {}],
    ['http to loopback', { address: 'http://127.0.0.1:8200' }],
    ['http to loopback by IPv6', { address: 'http://[::1]:8200' }],
    [
      'http to another host, where that is allowed',
      { address: 'http://vault:8200', allowInsecureHttp: true },
    ],
    ['an address with the path of a proxy', { address: 'https://proxy.example/team/vault/' }],
    ['a mount as the server prints it', { mount: 'team/kv/' }],
    ['a login by AppRole', { auth: { method: 'approle', roleId: 'r', secretId: 's' } }],
    ['a login without a secret id', { auth: { method: 'approle', roleId: 'r' } }],
    ['a login by user', { auth: { method: 'userpass', username: 'u', password: 'p' } }],
    ['no login', { auth: { method: 'none' } }],
    ['another host to redirect to', { redirectHosts: ['vault-2.example'] }],
    ['a proxy', { proxy: 'http://proxy.example:3128', noProxy: 'localhost' }],
    ['a fresh login after a denial', { retryDeniedWithFreshLogin: true }],
    ['a login by JWT', { auth: { method: 'jwt', role: 'r', jwt: 'a.b.c' } }],
  ])('may be %s', (_, options) => {
    const manager = new VaultSecretManager({ ...RIGHT, ...options });

    expect(() => manager.validateEnvironment()).not.toThrow();
  });

  it('are MISCONFIGURED if a TLS file is missing at the first connection', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vault-'));
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, rootCertificates[0] ?? '');
    const manager = new VaultSecretManager({ ...RIGHT, tls: { caFile } });

    rmSync(folder, { recursive: true });
    const caller = new AbortController();
    const failures = [
      await failureOf(manager.readSecret('KEY', { signal: caller.signal })),
      await failureOf(() => manager.readSecretSync('KEY')),
    ];
    caller.abort(); // no call is in flight that could reject without a listener
    await new Promise(setImmediate);
    await manager.close();

    expect(failures.map(({ code }) => code)).toEqual(['MISCONFIGURED', 'MISCONFIGURED']);
    expect(failures[0]?.message).toContain('tls.caFile');
  });

  it.each<[string, object, RegExp]>([
    ['no address', { address: undefined }, /address is missing/],
    ['an empty address', { address: '' }, /address is missing/],
    ['an address that is no URL', { address: 'vault:8200/x' }, /address must be a URL/],
    [
      'a user in the address',
      { address: `https://admin:${CANARY}@vault` },
      /user name or a password/,
    ],
    [
      'the path of the API in the address',
      { address: 'https://vault/v1' },
      /must end with the host.*\/v1 is added/,
    ],
    ['that path below another', { address: 'https://vault/team/v1/' }, /\/v1 is added/],
    ['an empty part in the address', { address: 'https://vault//x' }, /must end with the host/],
    ['a query in the address', { address: 'https://vault/x?a=b' }, /must end with the host/],
    ['an unknown option', { adress: 'x' }, /"adress" is not an option; there are address, auth/],
    ['an unknown option of TLS', { tls: { caPath: CANARY } }, /tls\."caPath" is not an option/],
    [
      'an option of another login',
      { auth: { method: 'userpass', username: 'u', password: 'p', secretId: CANARY } },
      /auth\."secretId" is not an option; there are method, username, password, mount/,
    ],
    [
      'a token beside no login',
      { auth: { method: 'none', token: CANARY } },
      /auth\."token" is not an option/,
    ],
    [
      'a token beside AppRole',
      { auth: { method: 'approle', roleId: 'r', token: CANARY } },
      /auth\."token" is not an option/,
    ],
    ['http to another host', { address: 'http://vault:8200' }, /in the clear.*allowInsecureHttp/],
    ['no login', { auth: undefined }, /auth is missing/],
    ['a login that does not exist', { auth: { method: 'ldap' } }, /auth\.method must be/],
    ['no token', { auth: { method: 'token' } }, /auth\.token must be a string/],
    [
      'a token with a line break',
      { auth: { method: 'token', token: `${CANARY}\n` } },
      /auth\.token has a space, a line break/,
    ],
    [
      'a missing token file',
      { auth: { method: 'token-file', path: '/nowhere/token' } },
      /"\/nowhere\/token"\) cannot be read/,
    ],
    [
      'no role id',
      { auth: { method: 'approle', secretId: CANARY } },
      /auth\.roleId must be a string/,
    ],
    [
      'two secret ids',
      { auth: { method: 'approle', roleId: 'r', secretId: CANARY, wrappedSecretId: 'w' } },
      /both secretId and wrappedSecretId/,
    ],
    [
      'no password',
      { auth: { method: 'userpass', username: 'u' } },
      /auth\.password must be a string/,
    ],
    [
      'neither a JWT nor a file of one',
      { auth: { method: 'jwt', role: 'r' } },
      /one of jwt and jwtFile/,
    ],
    [
      'no service account',
      { auth: { method: 'kubernetes', role: 'r' } },
      /auth\.jwtFile .* cannot be read/,
    ],
    [
      'a login by certificate without one',
      { auth: { method: 'cert' } },
      /needs a client certificate/,
    ],
    ['a certificate without its key', { tls: { cert: 'PEM' } }, /a certificate and its key/],
    ['a certificate that is none', { tls: { cert: 'PEM', key: CANARY } }, /tls cannot be used/],
    ['two authorities', { tls: { ca: 'PEM', caFile: '/nowhere' } }, /both ca and caFile/],
    [
      'a missing authority',
      { tls: { caFile: '/nowhere/ca.pem' } },
      /tls\.caFile .* cannot be read/,
    ],
    ['a mount that leads elsewhere', { mount: '../sys' }, /mount \("\.\.\/sys"\)/],
    ['a prefix that leads elsewhere', { pathPrefix: 'a/../b' }, /pathPrefix/],
    ['a namespace with a line break', { namespace: 'a\nb' }, /namespace has a space/],
    ['another version of KV', { kvVersion: 3 }, /kvVersion must be 1, 2 or "none"/],
    ['an empty field', { field: '' }, /field is empty/],
  ])('must not be %s', async (_, options, message) => {
    const problem = await problemOf({ ...RIGHT, ...options });

    expect(problem).toMatch(/^MISCONFIGURED /);
    expect(problem).toMatch(message);
    expect(leaks(problem, CANARY)).toBe(false);
  });

  it('are reported wrong in one error', async () => {
    const problem = await problemOf({ address: 'http://vault', kvVersion: 4, field: '' });

    expect(problem).toMatch(/address .*\n- field .*\n- kvVersion .*\n- auth is missing/);
  });

  it('prevent every call to a server if they are wrong', async () => {
    const manager = new VaultSecretManager({ ...RIGHT, address: 'http://vault' });

    const { code } = await failureOf(manager.readSecret('KEY'));
    await manager.close();

    expect(code).toBe('MISCONFIGURED');
  });

  it('are not visible in the manager', () => {
    const auth = { method: 'userpass', username: 'u', password: CANARY } as const;

    const shown = everythingOf(new VaultSecretManager({ ...RIGHT, auth }));

    expect(leaks(shown, CANARY)).toBe(false);
  });
});

describe('the options from the environment', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vault-'));
    for (const file of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(folder, file), 'PEM');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each<[string, Record<string, string>]>([
    [
      'of HashiCorp Vault',
      { VAULT_ADDR: 'https://v:8200', VAULT_TOKEN: 'hvs.x', VAULT_NAMESPACE: 'team' },
    ],
    ['of OpenBao', { BAO_ADDR: 'https://v:8200', BAO_TOKEN: 's.x' }],
    [
      'of LiteLLM, with a token',
      { HCP_VAULT_ADDR: 'https://v:8200', HCP_VAULT_TOKEN: 'x', HCP_VAULT_MOUNT_NAME: 'kv' },
    ],
    [
      'of LiteLLM, with AppRole',
      {
        HCP_VAULT_ADDR: 'https://v',
        HCP_VAULT_APPROLE_ROLE_ID: 'r',
        HCP_VAULT_APPROLE_SECRET_ID: 's',
      },
    ],
  ])('%s are enough', (_, environment) => {
    const manager = VaultSecretManager.fromEnvironment(environment);

    expect(() => manager.validateEnvironment()).not.toThrow();
  });

  it('hold a client certificate, whose files are checked', async () => {
    const manager = VaultSecretManager.fromEnvironment({
      HCP_VAULT_ADDR: 'https://v',
      HCP_VAULT_CLIENT_CERT: join(folder, 'cert.pem'),
      HCP_VAULT_CLIENT_KEY: join(folder, 'key.pem'),
      VAULT_CACERT: join(folder, 'ca.pem'),
    });

    const { message } = await failureOf(() => manager.validateEnvironment());

    expect(message).toMatch(/not right:\n- tls cannot be used: .*$/); // only the missing PEM is reported
  });

  const tokenIn = (family: string): Record<string, string> => ({
    [`${family}ADDR`]: 'https://v',
    [`${family}TOKEN`]: CANARY,
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'two whole families',
      { ...tokenIn('VAULT_'), ...tokenIn('HCP_VAULT_'), HCP_VAULT_ADDR: 'https://w' },
      'HCP_VAULT_ADDR',
    ],
    [
      'an address and a token of another',
      { BAO_ADDR: 'https://v', VAULT_TOKEN: CANARY },
      'VAULT_TOKEN',
    ],
    ['a namespace of another', { ...tokenIn('BAO_'), VAULT_NAMESPACE: 'team' }, 'VAULT_NAMESPACE'],
    ['a proxy of another', { ...tokenIn('BAO_'), VAULT_PROXY_ADDR: CANARY }, 'VAULT_PROXY_ADDR'],
    ['an authority of another', { ...tokenIn('BAO_'), VAULT_CACERT: '/ca.pem' }, 'VAULT_CACERT'],
    [
      'a role of another',
      { ...tokenIn('HCP_VAULT_'), VAULT_ROLE_ID: 'r', VAULT_SECRET_ID: CANARY },
      'VAULT_ROLE_ID, VAULT_SECRET_ID',
    ],
  ])('do not mix %s', async (_, environment, names) => {
    const manager = VaultSecretManager.fromEnvironment(environment);

    const { code, message } = await failureOf(() => manager.validateEnvironment());

    expect([code, message]).toEqual([
      'MISCONFIGURED',
      expect.stringContaining(`has ${names} beside`),
    ]);
    expect(leaks(message, CANARY)).toBe(false);
  });

  it.each([
    ['say the same', { ...tokenIn('VAULT_'), ...tokenIn('BAO_') }],
    ['are empty', { ...tokenIn('BAO_'), VAULT_ADDR: '', VAULT_TOKEN: '' }],
    ['are of something else', { ...tokenIn('BAO_'), VAULT_LOG_LEVEL: 'debug' }],
  ])('may belong to two families if those of one %s', (_, environment) => {
    const manager = VaultSecretManager.fromEnvironment(environment);

    expect(() => manager.validateEnvironment()).not.toThrow();
  });

  it('are overridden by given options', () => {
    const environment = { VAULT_ADDR: 'http://elsewhere', VAULT_TOKEN: 'x' };

    const manager = VaultSecretManager.fromEnvironment(environment, { address: 'https://v' });

    expect(() => manager.validateEnvironment()).not.toThrow();
  });

  it('count an empty variable as unset, and report the missing one', async () => {
    const manager = VaultSecretManager.fromEnvironment({ VAULT_ADDR: '', VAULT_TOKEN: '' });

    const { message } = await failureOf(() => manager.validateEnvironment());

    expect(message).toMatch(/address is missing.*\n- auth is missing/);
  });
});
