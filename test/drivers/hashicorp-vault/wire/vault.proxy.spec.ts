import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { OutsideServer } from '../../../support/outside-server';

const CANARY = 'canary-6d20c3f7';

describe('the manager for Vault behind a proxy', () => {
  const server = new OutsideServer('outside-vault.process.mjs');
  const managers: VaultSecretManager[] = [];

  beforeAll(async () => {
    await server.start();
  });

  beforeEach(() => server.reset());

  afterEach(async () => {
    await Promise.all(managers.splice(0).map((manager) => manager.close()));
  });

  afterAll(() => server.stop());

  const port = (): string => new URL(server.address).port;
  const managerWith = (options: Partial<VaultSecretManagerOptions>): VaultSecretManager => {
    const auth = { method: 'token', token: 'given' } as const;
    const manager = new VaultSecretManager({
      address: `http://vault.example:${port()}`,
      allowInsecureHttp: true,
      auth,
      ...options,
    });
    manager.validateEnvironment();
    managers.push(manager);
    return manager;
  };
  const proxy = (credentials = ''): string => `http://${credentials}127.0.0.1:${port()}`;
  /** The hosts and credentials of the CONNECT requests. */
  const tunnels = async (): Promise<string[]> => {
    const asked = (await (await fetch(`${server.address}/tunnels`)).json()) as string[];
    return [...new Set(asked.map((tunnel) => tunnel.replace(/:\d+ /, ' ')))];
  };
  const sync = { timeoutMs: 20_000 };

  it('reaches the server only through the proxy, in every way', async () => {
    const auth = { method: 'approle', roleId: 'role', secretId: 'right' } as const;
    const manager = managerWith({ proxy: proxy(), auth });

    const readings = [
      await manager.readSecret('A'),
      manager.readSecretSync('B', sync),
      await manager.readSecret('C'),
    ];

    expect(readings.map((reading) => reading?.value)).toEqual([
      'value of A',
      'value of B',
      'value of C',
    ]);
    expect(await tunnels()).toEqual(['vault.example none']);
  });

  it.each([
    ['user and password', `user:${CANARY}%3A%25@`, `user:${CANARY}:%`],
    ['user alone', `${CANARY}@`, `${CANARY}:`],
  ])('sends its %s to the proxy, and discloses them nowhere', async (_, credentials, plain) => {
    const manager = managerWith({ proxy: proxy(credentials) });

    await manager.readSecret('A');
    manager.readSecretSync('A', sync);

    const basic = `Basic ${Buffer.from(plain).toString('base64')}`;
    expect(await tunnels()).toEqual([`vault.example ${basic}`]);
    expect(leaks(everythingOf(manager), CANARY)).toBe(false);
    expect(leaks(everythingOf(manager), basic)).toBe(false);
  });

  it.each([
    [403, 'MISCONFIGURED', /noProxy/],
    [407, 'MISCONFIGURED', /user name and the password/],
    [502, 'UNAVAILABLE', /could not connect to the server/],
  ])('translates the %d of a proxy', async (status, code, message) => {
    const address = `http://refused-${status}.example:8200`;
    const manager = managerWith({ address, proxy: proxy(`u:${CANARY}@`) });

    const failures = [
      await failureOf(manager.readSecret('A')),
      await failureOf(() => manager.readSecretSync('A', sync)),
    ];

    expect(failures.map((failure) => failure.code)).toEqual([code, code]);
    for (const failure of failures) {
      expect(failure.message).toMatch(message);
      expect(leaks(everythingOf(failure), CANARY)).toBe(false);
    }
  });

  it('bypasses the proxy for a host of noProxy', async () => {
    const manager = managerWith({
      address: server.address,
      proxy: 'http://127.0.0.1:1',
      noProxy: 'vault.example,127.0.0.1',
    });

    const readings = [await manager.readSecret('A'), manager.readSecretSync('B', sync)];

    expect(readings.map((reading) => reading?.value)).toEqual(['value of A', 'value of B']);
  });

  it('fails if no proxy listens', async () => {
    const manager = managerWith({ proxy: 'http://127.0.0.1:1' });

    await expect(manager.readSecret('A')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(() => manager.readSecretSync('A', sync)).toThrow(
      expect.objectContaining({ code: 'ECONNREFUSED' }) as Error,
    );
  });

  it.each<[string, object, RegExp]>([
    ['no URL', { proxy: 'proxy.example' }, /proxy must be a URL/],
    ['a URL of something else', { proxy: 'ftp://proxy.example' }, /begin with http: or https:/],
    ['a URL with a path', { proxy: 'http://proxy.example/x' }, /proxy must end with the host/],
    ['no string', { proxy: 7 }, /proxy must be a string/],
    ['a password that is not encoded', { proxy: `http://u:${CANARY}%@proxy` }, /write %25/],
    ['a list that is no string', { proxy: 'http://p', noProxy: ['a'] }, /noProxy must be a string/],
  ])('does not start with %s', async (_, options, message) => {
    const failure = await failureOf(() => managerWith(options));

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(message),
    });
    expect(leaks(everythingOf(failure), CANARY)).toBe(false);
  });

  it.each<[string, (proxy: string) => Record<string, string>, boolean]>([
    ['VAULT_PROXY_ADDR', (own) => ({ VAULT_PROXY_ADDR: own }), true],
    ['a proxy without a scheme', (own) => ({ HTTP_PROXY: own.slice('http://'.length) }), true],
    [
      'BAO_PROXY_ADDR',
      (own) => ({ VAULT_TOKEN: '', BAO_TOKEN: 'given', BAO_PROXY_ADDR: own }),
      true,
    ],
    ['HTTP_PROXY for a plain address', (own) => ({ HTTP_PROXY: own }), true],
    ['http_proxy', (own) => ({ http_proxy: own, HTTP_PROXY: 'http://127.0.0.1:1' }), true],
    ['HTTPS_PROXY for a plain address', (own) => ({ HTTPS_PROXY: own }), false],
    ['NO_PROXY', (own) => ({ HTTP_PROXY: own, NO_PROXY: 'localhost,127.0.0.1' }), false],
    ['no_proxy', (own) => ({ http_proxy: own, no_proxy: '127.0.0.1' }), false],
    ['NO_PROXY=*', (own) => ({ HTTP_PROXY: own, NO_PROXY: '*' }), false],
    ['an empty variable', () => ({ HTTP_PROXY: '' }), false],
    [
      'VAULT_PROXY_ADDR before HTTP_PROXY and NO_PROXY',
      (own) => ({ VAULT_PROXY_ADDR: own, HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' }),
      true,
    ],
  ])('is configured by the environment: %s', async (_, variables, isUsed) => {
    const environment = { VAULT_TOKEN: 'given', ...variables(proxy()) };
    const options = { address: server.address };
    const manager = VaultSecretManager.fromEnvironment(environment, options);
    managers.push(manager);

    const reading = await manager.readSecret('A');
    manager.readSecretSync('A', sync);

    expect(reading?.value).toBe('value of A');
    expect(await tunnels()).toEqual(isUsed ? ['127.0.0.1 none'] : []);
  });

  it('uses HTTPS_PROXY for an address with https, unless the options disable the proxy', async () => {
    const environment = {
      VAULT_ADDR: 'https://refused-403.example',
      VAULT_TOKEN: 'given',
      HTTPS_PROXY: proxy(),
    };
    const through = VaultSecretManager.fromEnvironment(environment);
    const past = VaultSecretManager.fromEnvironment(environment, {
      proxy: undefined,
      address: server.address,
    });
    managers.push(through, past);

    expect((await failureOf(through.readSecret('A'))).code).toBe('MISCONFIGURED');
    expect(await tunnels()).toEqual(['refused-403.example none']);
    await expect(past.readSecret('A')).resolves.toMatchObject({ value: 'value of A' });
  });
});
