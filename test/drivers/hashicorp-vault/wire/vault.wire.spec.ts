import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { getEventListeners, setMaxListeners } from 'node:events';
import { translateError } from '../../../../lib/core/errors/error-table';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer } from '../../../support/fake-vault';

const TOKEN = 's.canary-71c4e0a9';
const DENIED = '1 error occurred:\n\t* permission denied\n\n';

describe('the manager for Vault, over HTTP,', () => {
  let vault: FakeVault;
  let manager: VaultSecretManager;

  beforeEach(async () => {
    vault = await new FakeVault().start();
    const auth = { method: 'token', token: TOKEN } as const;
    manager = new VaultSecretManager({ address: vault.address, auth, namespace: 'team' });
  });

  afterEach(async () => {
    await manager.close();
    await vault.stop();
  });

  it('sends token, namespace and X-Vault-Request', async () => {
    vault.keep('KEY', { value: 'v' });

    await manager.readSecret('KEY');

    const request = vault.requests.find(({ path }) => path.endsWith('/KEY'));
    expect(request?.headers).toMatchObject({
      'x-vault-token': TOKEN,
      'x-vault-namespace': 'team',
      'x-vault-request': 'true',
    });
  });

  it('checks health without token and namespace', async () => {
    vault.on('GET /v1/sys/health', { body: { initialized: true, sealed: false } });

    await manager.serverState();

    expect(vault.requests[0]?.headers).not.toHaveProperty('x-vault-namespace');
    expect(vault.requests[0]?.headers).not.toHaveProperty('x-vault-token');
  });

  it.each([
    ['a b/c?d#e', '/v1/secret/data/a%20b/c%3Fd%23e'],
    ['ключ', '/v1/secret/data/%D0%BA%D0%BB%D1%8E%D1%87'],
    ["a!*'()~", "/v1/secret/data/a!*'()~"],
  ])('encodes %j', async (name, path) => {
    await manager.readSecret(name);

    expect(vault.asked).toContain(`GET ${path}`);
  });

  it.each(['../sys/mounts', 'a/../../x', './a', 'a//b', '', 'a/', '\ud800'])(
    'refuses a name that could leave its mount: %j',
    async (name) => {
      const { code } = await failureOf(manager.readSecret(name));

      expect(code).toBe('INVALID_ARGUMENT');
      expect(vault.asked).toEqual([]);
    },
  );

  it.each(['a%2e%2e', 'a/%2E%2E/b', 'a\\..\\b', 'a\t/b', '...', '.a', 'a..', 'x?y', 'x#y'])(
    'keeps %j below its mount, unchanged',
    async (name) => {
      await manager.readSecret(name).catch(() => undefined);

      const [path = ''] = vault.requests
        .map((request) => request.path)
        .filter((one) => one.includes('/data/'));
      const parts = new URL(path, vault.address).pathname.split('/').map(decodeURIComponent);
      expect(parts).toEqual(['', 'v1', 'secret', 'data', ...name.split('/')]);
    },
  );

  it.each([
    ['a mount below sys', 'mounts', { mount: 'sys' }],
    ['sys of a namespace in the mount', 'mounts', { mount: 'team/sys', kvVersion: 1 }],
    ['auth of a namespace in the mount', 'x', { mount: 'a/auth/token' }],
    ['sys at any path', 'sys/mounts', { kvVersion: 'none' }],
    ['auth of a namespace at any path', 'team/auth/token/lookup-self', { kvVersion: 'none' }],
    ['sys below a mount that may be a namespace', 'sys/mounts', { kvVersion: 'none', mount: 'a' }],
    [
      'sys below a mount of KV 1 that may be one',
      'sys/policies/acl/p',
      { kvVersion: 1, mount: 'team' },
    ],
    [
      'auth below a mount of KV 1 that may be one',
      'auth/token/create',
      { kvVersion: 1, mount: 'team' },
    ],
    ['sys of a namespace below that', 'sub/sys/policies/acl/p', { kvVersion: 1, mount: 'a/b/' }],
    ['sys itself below that', 'sys', { kvVersion: 1, mount: 'team' }],
    [
      'sys of a namespace that is named',
      'sys/mounts',
      { kvVersion: 1, mount: 'x', namespace: 'y' },
    ],
  ])('does not lead to %s', async (_, name, params) => {
    const batch = await manager.readSecrets([name], { params });
    const failures = [
      await failureOf(manager.readSecret(name, { params })),
      await failureOf(() => manager.readSecretSync(name, { params })),
      await failureOf(manager.writeSecret(name, 'v', { params })),
      await failureOf(manager.writeSecret(name, 'v', { params: { ...params, field: 'f' } })),
      await failureOf(manager.deleteSecret(name, { params })),
      await failureOf(manager.deleteSecret(name, { params: { ...params, field: 'f' } })),
      batch.get(name),
    ];

    expect(failures).toMatchObject(Array(7).fill({ code: 'INVALID_ARGUMENT' }));
    expect(vault.asked.filter((request) => !request.includes('lookup-self'))).toEqual([]);
  });

  it.each(['sys', 'team/auth'])('does not lead there with a prefix: %j', async (pathPrefix) => {
    const auth = { method: 'token', token: TOKEN } as const;
    const options = {
      address: vault.address,
      auth,
      mount: 'team',
      kvVersion: 1,
      pathPrefix,
    } as const;
    const prefixed = new VaultSecretManager(options);

    const { code } = await failureOf(prefixed.writeSecret('policies/acl/p', 'v'));
    await prefixed.close();

    expect(code).toBe('INVALID_ARGUMENT');
  });

  it('requests below the path of the address, and follows a redirect there', async () => {
    const auth = { method: 'userpass', username: 'u', password: 'p' } as const;
    const below = new VaultSecretManager({ address: `${vault.address}/team/vault/`, auth });
    vault.on('POST /team/vault/v1/auth/userpass/login/u', {
      body: { auth: { client_token: 't', lease_duration: 60 } },
    });
    const location = `${vault.address}/team/vault/v1/secret/data/KEY`;
    vault.on('GET /team/vault/v1/secret/data/KEY', () =>
      vault.asked.filter((asked) => asked.endsWith('/KEY')).length === 1
        ? { status: 307, headers: { location } }
        : { body: { data: { data: { value: 'v' }, metadata: { version: 1 } } } },
    );
    vault.on('GET /team/vault/v1/sys/health', { body: { initialized: true, sealed: false } });

    const reading = await below.readSecret('KEY');
    const state = await below.serverState();
    await below.close();

    expect([reading?.value, state]).toEqual(['v', 'active']);
    expect(vault.asked.every((asked) => asked.includes(' /team/vault/v1/'))).toBe(true);
  });

  it('accepts sys and auth as names below a mount', async () => {
    vault.keep('app/auth/sys', { value: 'v' });

    expect((await manager.readSecret('app/auth/sys'))?.value).toBe('v');
  });

  it.each(['tëam', 'a b', '日本'])(
    'sends no namespace that a header cannot hold: %j',
    async (namespace) => {
      const { code, message } = await failureOf(
        manager.readSecret('KEY', { params: { namespace } }),
      );

      expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('header')]);
      expect(vault.asked).toEqual([]);
    },
  );

  it.each<[number, FakeAnswer, string]>([
    [307, { status: 307, headers: { location: 'http://127.0.0.2/v1/x' } }, 'UNAVAILABLE'],
    [400, { status: 400, body: { errors: ['x'] } }, 'INVALID_ARGUMENT'],
    [404, { status: 404, body: { errors: ['namespace not found'] } }, 'MISCONFIGURED'],
    [429, { status: 429, body: { errors: [] } }, 'THROTTLED'],
    [503, { status: 503, body: { errors: ['Vault is sealed'] } }, 'UNAVAILABLE'],
  ])('is not healthy if its token gets a %d', async (_, answer, code) => {
    vault.on('GET /v1/sys/health', { body: { initialized: true, sealed: false } });
    vault.on('GET /v1/auth/token/lookup-self', answer);

    expect((await failureOf(manager.checkHealth())).code).toBe(code);
  });

  it('is healthy with a token that may not look up itself', async () => {
    vault.on('GET /v1/sys/health', { body: { initialized: true, sealed: false } });
    vault.on('GET /v1/auth/token/lookup-self', { status: 403, body: { errors: [DENIED] } });

    await expect(manager.checkHealth()).resolves.toBe(true);
  });

  it.each([1, 'none'])('never returns its own token, with kvVersion %s', async (kvVersion) => {
    vault.on('GET /v1/a/b', { body: { data: { id: TOKEN, ttl: 60 } } });
    const params = { mount: 'a', kvVersion, field: 'ttl' };

    const error = await failureOf(manager.readSecret('b', { params }));

    expect([error.code, error.message]).toEqual([
      'ACCESS_DENIED',
      expect.stringContaining('the token of the manager itself'),
    ]);
    expect(leaks(everythingOf(error), TOKEN)).toBe(false);
  });

  it.each<[string, FakeAnswer, string]>([
    ['400', { status: 400, body: { errors: ['no data provided'] } }, 'INVALID_ARGUMENT'],
    ['401', { status: 401, body: { errors: [TOKEN] } }, 'UNAUTHENTICATED'],
    ['403 of a token', { status: 403, body: { errors: ['permission denied'] } }, 'UNAUTHENTICATED'],
    [
      '403 of a token, at HashiCorp',
      {
        status: 403,
        body: { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] },
      },
      'UNAUTHENTICATED',
    ],
    ['403 of a path', { status: 403, body: { errors: [DENIED] } }, 'ACCESS_DENIED'],
    [
      '404 of a mount',
      { status: 404, body: { errors: ['no handler for route "x". route entry not found.'] } },
      'MISCONFIGURED',
    ],
    [
      '404 of a namespace',
      { status: 404, body: { errors: ['namespace not found'] } },
      'MISCONFIGURED',
    ],
    [
      '404 of another KV version',
      { status: 404, body: { warnings: ['Invalid path for a versioned K/V secrets engine.'] } },
      'MISCONFIGURED',
    ],
    ['404 of a proxy', { status: 404, body: `<html>${TOKEN}</html>` }, 'MISCONFIGURED'],
    ['405', { status: 405, body: { errors: [] } }, 'UNSUPPORTED'],
    ['412', { status: 412, body: { errors: ['required index state not present'] } }, 'UNAVAILABLE'],
    ['413', { status: 413, body: 'http: request body too large' }, 'INVALID_ARGUMENT'],
    ['429', { status: 429, headers: { 'retry-after': '7' }, body: { errors: [] } }, 'THROTTLED'],
    ['472', { status: 472, body: {} }, 'UNAVAILABLE'],
    ['473', { status: 473, body: {} }, 'UNAVAILABLE'],
    ['500', { status: 500, body: { errors: [TOKEN] } }, 'UNAVAILABLE'],
    ['501', { status: 501, body: {} }, 'UNAVAILABLE'],
    ['502 of a proxy', { status: 502, body: '<html></html>' }, 'UNAVAILABLE'],
    ['503', { status: 503, body: { errors: ['Vault is sealed'] } }, 'UNAVAILABLE'],
    ['504 of a proxy', { status: 504, body: '' }, 'TIMEOUT'],
    ['200 without a body', { body: '' }, 'MALFORMED'],
    ['200 with HTML', { body: `<html>${TOKEN}</html>` }, 'MALFORMED'],
    ['200 of another form', { body: { data: { data: ['x'], metadata: {} } } }, 'MALFORMED'],
    [
      'plain HTTP at a TLS port',
      { status: 400, body: 'Client sent an HTTP request to an HTTPS server.\n' },
      'MISCONFIGURED',
    ],
    [
      'a mount that is being upgraded',
      { status: 400, body: { errors: ['Upgrading from non-versioned to versioned data. ...'] } },
      'UNAVAILABLE',
    ],
  ])('translates %s', async (_, answer, code) => {
    vault.on('GET /v1/secret/data/KEY', answer);

    const error = await failureOf(manager.readSecret('KEY'));

    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^Reading "KEY" of the mount "secret" failed: /);
    expect(leaks(everythingOf(error), TOKEN)).toBe(false);
  });

  it('passes on the delay that the store asks for', async () => {
    vault.on('GET /v1/secret/data/KEY', { status: 429, headers: { 'retry-after': '7' } });
    vault.on('GET /v1/secret/data/SOON', { status: 429, headers: { 'retry-after': '0' } });

    const later = await failureOf(manager.readSecret('KEY'));
    const soon = await failureOf(manager.readSecret('SOON'));

    expect([later.retryAfterMs, soon.retryAfterMs]).toEqual([7_000, undefined]);
  });

  it('follows a standby to the same host once', async () => {
    let asked = 0;
    vault.on('GET /v1/secret/data/KEY', () =>
      (asked += 1) === 1
        ? { status: 307, headers: { location: `${vault.address}/v1/secret/data/KEY` } }
        : { body: { data: { data: { value: 'v' }, metadata: { version: 1 } } } },
    );

    const reading = await manager.readSecret('KEY');

    expect(reading?.value).toBe('v');
    const reads = vault.requests.filter(({ path }) => path.endsWith('/KEY'));
    expect(reads.map(({ headers }) => headers['x-vault-token'])).toEqual([TOKEN, TOKEN]);
  });

  it.each([
    ['over plain http', 'http://127.0.0.1:1/v1/secret/data/KEY'],
    ['with a user', 'https://u:p@127.0.0.1:1/v1/secret/data/KEY'],
    ['to another path', '/v1/sys/raw/KEY'],
    ['nowhere', '::'],
    ['to several places', ['/v1/secret/data/KEY', '/v1/secret/data/KEY']],
  ])('does not send the token %s, wherever a standby redirects', async (_, location) => {
    vault.on('GET /v1/secret/data/KEY', { status: 307, headers: { location } });

    const { code, message } = await failureOf(manager.readSecret('KEY'));

    expect([code, message]).toEqual(['UNAVAILABLE', expect.stringContaining('no active node')]);
    expect(vault.asked.filter((path) => path.includes('raw'))).toEqual([]);
    expect(vault.asked.filter((path) => path.endsWith('/KEY'))).toHaveLength(1);
  });

  it('does not loop on redirects', async () => {
    vault.on('GET /v1/secret/data/KEY', {
      status: 307,
      headers: { location: '/v1/secret/data/KEY' },
    });

    const { code } = await failureOf(manager.readSecret('KEY'));

    expect(code).toBe('UNAVAILABLE');
    expect(vault.asked.filter((path) => path.endsWith('/KEY'))).toHaveLength(2);
  });

  it('ends a hanging call, and those that wait behind it for a connection', async () => {
    vault.on('GET /v1/secret/data/KEY', () => undefined);
    const controller = new AbortController();
    setMaxListeners(20, controller.signal);

    const calls = Array.from({ length: 15 }, () =>
      manager.readSecret('KEY', { signal: controller.signal }),
    );
    const failures = Promise.all(calls.map(failureOf));
    controller.abort();

    expect(new Set((await failures).map(({ code }) => code))).toEqual(new Set(['CANCELLED']));
  });

  it('refuses an answer beyond the size limit', async () => {
    vault.on('GET /v1/secret/data/KEY', { body: 'x'.repeat(33 * 1024 * 1024) });

    const { code } = await failureOf(manager.readSecret('KEY'));

    expect(code).toBe('MALFORMED');
  });

  it('removes its listener from a signal after the call', async () => {
    vault.keep('KEY', { value: 'v' });
    const { signal } = new AbortController();

    await manager.readSecret('KEY', { signal });

    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('times out after timeoutMs', async () => {
    vault.on('GET /v1/secret/data/KEY', () => undefined);

    const thrown = await manager
      .readSecret('KEY', { timeoutMs: 50 })
      .catch((error: unknown) => error);

    const context = { manager: 'hashicorp-vault', operation: 'readSecret' };
    expect(translateError(thrown, context)).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining(`(GET ${vault.address}/v1/secret/data/KEY)`),
    });
  });

  it.each([Infinity, 0, -1, NaN])('loses no connection by a timeoutMs of %d', async (timeoutMs) => {
    vault.keep('KEY', { value: 'v' });
    for (let call = 0; call < 10; call++) {
      await manager.readSecret('KEY', { timeoutMs }).catch(() => undefined);
    }

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'v' });
  });

  it('keeps its connections, ten at most', async () => {
    vault.keep('KEY', { value: 'v' });

    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 50 }, () => manager.readSecret('KEY')));
    }

    expect(vault.connections).toBeLessThanOrEqual(10);
  });

  it('answers no call after close', async () => {
    vault.keep('KEY', { value: 'v' });
    await manager.readSecret('KEY');

    await manager.close();
    await manager.close();
    const { code } = await failureOf(manager.readSecret('KEY'));

    expect(code).toBe('UNAVAILABLE');
  });
});
