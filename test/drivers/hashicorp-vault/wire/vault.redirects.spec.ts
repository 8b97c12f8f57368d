import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import {
  Redirects,
  type RedirectOptions,
} from '../../../../lib/drivers/hashicorp-vault/wire/redirects';
import type { VaultRequest } from '../../../../lib/drivers/hashicorp-vault/wire/vault-request';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { FakeVault } from '../../../support/fake-vault';
import { OutsideServer } from '../../../support/outside-server';

const PATH = '/v1/secret/data/KEY';
const CANARY = 'canary-4f0e91ab';
const HTTPS = 'https://vault-1.example:8200';
const HTTP = 'http://127.0.0.1:8200';

function targetOf(
  address: string,
  location: string,
  options: RedirectOptions = {},
  request: Partial<VaultRequest> = {},
): string {
  const headers = { location: location + PATH };
  const asked = `GET ${address}${PATH}`;
  const sent: VaultRequest = { method: 'GET', path: PATH, ...request };
  const redirects = new Redirects(address, '', options);
  const redirect = redirects.resolve({ statusCode: 307, headers, content: undefined, asked }, sent);
  if (redirect === undefined) return 'none';
  return 'origin' in redirect ? redirect.origin : redirect.refusal;
}

describe('a redirect of the manager for Vault', () => {
  it.each<[string, string, string, RedirectOptions]>([
    ['the same origin', HTTPS, HTTPS, {}],
    ['the same host at another port', HTTPS, 'https://vault-1.example:8300', {}],
    ['the same host in capitals', HTTPS, 'https://VAULT-1.example:8200', {}],
    ['the same host at the default port', HTTPS, 'https://vault-1.example', {}],
    ['the same host with TLS', HTTP, 'https://127.0.0.1:8300', {}],
    [
      'a listed host',
      HTTPS,
      'https://vault-2.example:8200',
      { redirectHosts: ['vault-2.example'] },
    ],
    [
      'a host that is listed with its port',
      HTTPS,
      'https://vault-2.example:8200',
      { redirectHosts: ['vault-3.example', 'Vault-2.example:8200'] },
    ],
    [
      'a host that is listed with the default port',
      HTTPS,
      'https://vault-2.example',
      { redirectHosts: ['vault-2.example:443'] },
    ],
    ['a listed address of IPv6', HTTPS, 'https://[::1]:8200', { redirectHosts: ['[::1]:8200'] }],
    ['listed loopback', HTTP, 'http://127.0.0.1:8300', { redirectHosts: ['127.0.0.1:8300'] }],
    [
      'a listed host with plain http, where that is allowed',
      'http://vault-1:8200',
      'http://vault-2:8200',
      { redirectHosts: ['vault-2'], allowInsecureHttp: true },
    ],
  ])('is followed to %s', (_, address, location, options) => {
    expect(targetOf(address, location, options)).toBe(new URL(location).origin);
  });

  it.each<[string, string, string, RedirectOptions, RegExp]>([
    [
      'another host',
      HTTPS,
      'https://evil.example',
      {},
      /"evil\.example".*list it in redirectHosts/,
    ],
    [
      'a host that ends as a listed one does',
      HTTPS,
      'https://evil-vault-2.example',
      { redirectHosts: ['vault-2.example'] },
      /"evil-vault-2\.example".*redirectHosts/,
    ],
    [
      'a host below a listed one',
      HTTPS,
      'https://x.vault-2.example',
      { redirectHosts: ['vault-2.example'] },
      /"x\.vault-2\.example".*redirectHosts/,
    ],
    [
      'another port of a host that is listed with one',
      HTTPS,
      'https://vault-2.example:8300',
      { redirectHosts: ['vault-2.example:8200'] },
      /"vault-2\.example:8300".*redirectHosts/,
    ],
    ['plain http', HTTPS, 'http://vault-1.example:8200', {}, /in the clear.*https:/],
    [
      'a listed host with plain http',
      HTTPS,
      'http://vault-2.example',
      { redirectHosts: ['vault-2.example'], allowInsecureHttp: true },
      /in the clear/,
    ],
    [
      'another port with plain http',
      HTTP,
      'http://127.0.0.1:1',
      {},
      /"127\.0\.0\.1:1".*redirectHosts/,
    ],
    [
      'a listed host that is not loopback, with plain http',
      HTTP,
      'http://vault-2:8200',
      { redirectHosts: ['vault-2'] },
      /in the clear/,
    ],
    ['another scheme', HTTPS, 'ftp://vault-1.example', {}, /in the clear/],
    [
      'an address with a password',
      HTTPS,
      `https://u:${CANARY}@vault-1.example:8200`,
      {},
      /credentials in the address/,
    ],
  ])(
    'is not followed to %s, and the error says what to do',
    (_, address, location, options, message) => {
      const told = targetOf(address, location, options);

      expect(told).toMatch(message);
      expect(leaks(told, CANARY)).toBe(false);
    },
  );

  it.each([HTTPS, 'https://vault-2.example'])(
    'is never followed with a login to %s',
    (location) => {
      const told = targetOf(
        HTTPS,
        location,
        { redirectHosts: ['vault-2.example'] },
        { isLogin: true },
      );

      expect(told).toMatch(/a login is never sent on.*set address to the active node/);
    },
  );

  it.each<[string, object, RegExp]>([
    ['no array', { redirectHosts: 'vault-2.example' }, /redirectHosts must be an array/],
    ['a URL', { redirectHosts: ['https://vault-2.example'] }, /redirectHosts must hold host names/],
    ['a wildcard', { redirectHosts: ['*.example'] }, /redirectHosts must hold host names/],
    ['a password', { redirectHosts: [`u:${CANARY}@vault`] }, /redirectHosts must hold host names/],
    ['an empty name', { redirectHosts: [''] }, /redirectHosts must hold host names/],
    ['no host', { redirectHosts: [7] }, /redirectHosts must hold host names/],
  ])('may not be permitted by %s', async (_, options, message) => {
    const auth = { method: 'token', token: 's.x' } as const;
    const manager = new VaultSecretManager({ address: HTTPS, auth, ...options });

    const failure = await failureOf(() => manager.validateEnvironment());

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(message),
    });
    expect(leaks(everythingOf(failure), CANARY)).toBe(false);
  });
});

describe('a manager for Vault that is redirected', () => {
  const servers: FakeVault[] = [];
  const managers: VaultSecretManager[] = [];
  let standby: FakeVault;
  let active: FakeVault;

  beforeEach(async () => {
    standby = await new FakeVault().start();
    active = await new FakeVault().start();
    servers.push(standby, active);
  });

  afterEach(async () => {
    await Promise.all(managers.splice(0).map((manager) => manager.close()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  const managerWith = (options: Partial<VaultSecretManagerOptions> = {}): VaultSecretManager => {
    const auth = { method: 'token', token: CANARY } as const;
    const manager = new VaultSecretManager({ address: standby.address, auth, ...options });
    managers.push(manager);
    return manager;
  };
  const toActive = (path: string) => ({
    status: 307,
    headers: { location: active.address + path },
  });

  it('reads from a listed host, with its token', async () => {
    standby.on(`GET ${PATH}`, toActive(PATH));
    active.keep('KEY', { value: 'v' });
    const redirectHosts = [new URL(active.address).host];

    const reading = await managerWith({ redirectHosts }).readSecret('KEY');

    expect(reading?.value).toBe('v');
    const reads = active.requests.filter(({ path }) => path === PATH);
    expect(reads.map(({ headers }) => headers['x-vault-token'])).toEqual([CANARY]);
  });

  it('names the refused host, and stays UNAVAILABLE, like a standby', async () => {
    standby.on(`GET ${PATH}`, toActive(PATH));

    const failure = await failureOf(managerWith().readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure.message).toContain(`"${new URL(active.address).host}"`);
    expect(failure.message).toContain('redirectHosts');
    expect(active.requests).toEqual([]);
    expect(leaks(everythingOf(failure), CANARY)).toBe(false);
  });

  it.each<[string, VaultSecretManagerOptions['auth'], string]>([
    ['role', { method: 'approle', roleId: 'r', secretId: CANARY }, '/v1/auth/approle/login'],
    [
      'wrapping token',
      { method: 'approle', roleId: 'r', wrappedSecretId: CANARY },
      '/v1/sys/wrapping/unwrap',
    ],
    ['user', { method: 'userpass', username: 'u', password: CANARY }, '/v1/auth/userpass/login/u'],
    ['JWT', { method: 'jwt', role: 'r', jwt: CANARY }, '/v1/auth/jwt/login'],
  ])('does not log in elsewhere by %s, whatever is listed', async (_, auth, path) => {
    standby.on(`POST ${path}`, toActive(path));
    const redirectHosts = ['127.0.0.1'];

    const failure = await failureOf(managerWith({ auth, redirectHosts }).readSecret('KEY'));

    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).toMatch(/a login is never sent on/);
    expect(active.requests).toEqual([]);
    expect(leaks(everythingOf(failure), CANARY)).toBe(false);
  });

  describe('with the path of a proxy in its address', () => {
    const read = async (location: string): Promise<unknown> => {
      standby.on(`GET /vault${PATH}`, { status: 307, headers: { location } });
      active.on(`GET /vault${PATH}`, {
        body: { data: { data: { value: 'of a proxy' }, metadata: { version: 1 } } },
      });
      active.keep('KEY', { value: 'of a node' });
      const redirectHosts = [new URL(active.address).host];
      const manager = managerWith({ address: `${standby.address}/vault`, redirectHosts });
      return await manager.readSecret('KEY').then((reading) => reading?.value, String);
    };

    it('reads from a node whose address has that path', async () => {
      await expect(read(`${active.address}/vault${PATH}`)).resolves.toBe('of a proxy');
    });

    it('reads from a node whose address lacks that path', async () => {
      await expect(read(`${active.address}${PATH}`)).resolves.toBe('of a node');
    });

    it('keeps that path on redirects within its own address', async () => {
      await expect(read(PATH)).resolves.toMatch(/names no active node/);
      expect(standby.asked).not.toContain(`GET ${PATH}`);
    });
  });

  it('reports that https is needed if a login is redirected to https on the same host', async () => {
    const auth = { method: 'userpass', username: 'u', password: CANARY } as const;
    const path = '/v1/auth/userpass/login/u';
    const location = standby.address.replace('http:', 'https:') + path;
    standby.on(`POST ${path}`, { status: 308, headers: { location } });

    const failure = await failureOf(managerWith({ auth }).readSecret('KEY'));

    expect(failure.code).toBe('MISCONFIGURED');
    expect(failure.message).toMatch(/Begin the address with https:/);
  });

  it('follows the same rules when it reads synchronously', async () => {
    const outside = await new OutsideServer('outside-vault.process.mjs').start();
    const auth = { method: 'token', token: 'given' } as const;
    const elsewhere = { address: outside.address.replace('127.0.0.1', 'localhost'), auth };
    const params = { mount: 'redirected' };

    const refused = await failureOf(() =>
      managerWith(elsewhere).readSecretSync('A', { params, timeoutMs: 20_000 }),
    );
    const reading = managerWith({ ...elsewhere, redirectHosts: ['127.0.0.1'] }).readSecretSync(
      'A',
      { params, timeoutMs: 20_000 },
    );
    await outside.stop();

    expect(refused.message).toMatch(/"127\.0\.0\.1:\d+".*redirectHosts/);
    expect(reading).toEqual({ value: 'redirected', version: '3' });
  });
});
