import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { closeApplications, startWith } from '../../../support/application';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer } from '../../../support/fake-vault';

const CANARY = 'canary-5b8e2f90';
const PAGE = `<!DOCTYPE html><html><body>Request blocked. ${CANARY}</body></html>`;

/** Bodies that Vault and OpenBao never send, whatever the status. */
const FOREIGN_BODIES: readonly (readonly [string, unknown])[] = [
  ['HTML', PAGE],
  ['text', `blocked ${CANARY}`],
  ['nothing', ''],
  ['JSON of another form', { message: 'Forbidden', id: CANARY }],
  ['JSON with errors of another form', { errors: [{ detail: CANARY }] }],
  ['JSON with one error that is no list', { errors: CANARY }],
  ['a JSON array', [CANARY]],
  ['an empty JSON object', {}],
];

const ENGINES: readonly (readonly [string, Partial<VaultSecretManagerOptions>, string])[] = [
  ['KV 2', {}, '/v1/secret/data/KEY'],
  ['KV 1', { kvVersion: 1 }, '/v1/secret/KEY'],
  ['any path', { kvVersion: 'none', mount: 'secret' }, '/v1/secret/KEY'],
];

describe('an answer that is not from Vault', () => {
  let vault: FakeVault;
  let managers: VaultSecretManager[];

  beforeEach(async () => {
    vault = await new FakeVault().start();
    managers = [];
  });

  afterEach(async () => {
    await closeApplications();
    await Promise.all(managers.map((manager) => manager.close()));
    await vault.stop();
  });

  function managerWith(options: Partial<VaultSecretManagerOptions> = {}): VaultSecretManager {
    const auth = { method: 'token', token: 's.x' } as const;
    const manager = new VaultSecretManager({ address: vault.address, auth, ...options });
    managers.push(manager);
    return manager;
  }

  const answerEverything = (path: string, answer: FakeAnswer): void => {
    for (const method of ['GET', 'POST', 'DELETE']) vault.on(`${method} ${path}`, answer);
    const metadata = path.replace('/data/', '/metadata/');
    for (const method of ['GET', 'POST', 'DELETE']) vault.on(`${method} ${metadata}`, answer);
  };

  describe.each(ENGINES)('at %s', (_, options, path) => {
    describe.each(FOREIGN_BODIES)('that holds %s', (__, body) => {
      it.each([
        [400, 'MISCONFIGURED'],
        [401, 'UNAVAILABLE'],
        [403, 'UNAVAILABLE'],
        [404, 'MISCONFIGURED'],
        [405, 'MISCONFIGURED'],
        [407, 'UNAVAILABLE'],
        [451, 'UNAVAILABLE'],
      ])('is neither an absence nor a denial, with the status %d', async (status, code) => {
        answerEverything(path, { status, body });
        const manager = managerWith(options);

        const batch = await manager.readSecrets(['KEY']);
        const failures = [
          await failureOf(manager.readSecret('KEY')),
          await failureOf(manager.writeSecret('KEY', 'v')),
          await failureOf(manager.deleteSecret('KEY')),
          batch.get('KEY'),
        ];

        expect(failures).toMatchObject(Array(4).fill({ code }));
        expect(leaks(failures.map(everythingOf).join(), CANARY)).toBe(false);
      });
    });

    it.each(FOREIGN_BODIES.filter(([what]) => what !== 'nothing'))(
      'is no success, with the status 200 and %s',
      async (__, body) => {
        answerEverything(path, { status: 200, body });
        const manager = managerWith(options);

        const failures = [
          await failureOf(manager.readSecret('KEY')),
          await failureOf(manager.writeSecret('KEY', 'v')),
          await failureOf(manager.deleteSecret('KEY')),
        ];

        expect(failures.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED', 'MALFORMED']);
      },
    );
  });

  it.each([401, 403])('keeps the cached value, with the status %d', async (status) => {
    vault.keep('KEY', { value: 'v' });
    const cache = { ttlMs: 1, staleWhileRevalidateMs: 0 };
    const { secrets } = await startWith(managerWith(), { cache, retry: false });
    await secrets.get('KEY');

    vault.on('GET /v1/secret/data/KEY', { status, body: PAGE });
    await new Promise((resolve) => setTimeout(resolve, 20));

    await expect(secrets.get('KEY')).resolves.toBe('v');
    await failureOf(secrets.refresh('KEY'));
    await expect(secrets.get('KEY')).resolves.toBe('v');
  });

  it('does not cause a fallback to the environment for a 404 of another form', async () => {
    vault.on('GET /v1/secret/data/KEY', { status: 404, body: { errors: [{ detail: 'x' }] } });
    const { secrets } = await startWith(managerWith(), { environment: { KEY: 'old' } });

    const { code } = await failureOf(secrets.get('KEY'));

    expect(code).toBe('MISCONFIGURED');
  });

  it.each([401, 403])('does not cause another login, with the status %d', async (status) => {
    let logins = 0;
    vault.on('POST /v1/auth/userpass/login/u', () => {
      logins += 1;
      return { body: { auth: { client_token: `t-${logins}`, lease_duration: 60 } } };
    });
    vault.on('GET /v1/secret/data/KEY', { status, body: PAGE });
    const manager = managerWith({ auth: { method: 'userpass', username: 'u', password: 'p' } });

    await failureOf(manager.readSecret('KEY'));
    await failureOf(manager.readSecret('KEY'));

    expect(logins).toBe(1);
  });

  it.each([
    [400, 'MISCONFIGURED'],
    [403, 'UNAVAILABLE'],
    [404, 'MISCONFIGURED'],
    [200, 'MALFORMED'],
  ])(
    'does not count as refused credentials at a login, with the status %d',
    async (status, code) => {
      vault.on('POST /v1/auth/userpass/login/u', { status, body: PAGE });
      const manager = managerWith({
        auth: { method: 'userpass', username: 'u', password: CANARY },
      });

      const failure = await failureOf(manager.readSecret('KEY'));

      expect([failure.code, leaks(everythingOf(failure), CANARY)]).toEqual([code, false]);
    },
  );

  it.each([
    [200, 'MALFORMED'],
    [403, 'UNAVAILABLE'],
    [404, 'MISCONFIGURED'],
  ])('is not healthy, with the status %d', async (status, code) => {
    vault.on('GET /v1/sys/health', { status, body: PAGE });
    const whole = await failureOf(managerWith().checkHealth());
    vault.on('GET /v1/sys/health', { body: { initialized: true, sealed: false } });
    vault.on('GET /v1/auth/token/lookup-self', { status, body: PAGE });
    const token = await failureOf(managerWith().checkHealth());

    expect([whole.code, token.code]).toEqual([code, code]);
  });

  it('does not end a lease whose renewal meets a firewall', async () => {
    const creds = { lease_id: 'l', lease_duration: 60, renewable: true, data: { password: 'p' } };
    vault.on('GET /v1/db/creds/app', { body: creds });
    vault.on('PUT /v1/sys/leases/renew', { status: 400, body: PAGE });
    const manager = managerWith({ kvVersion: 'none' });
    await manager.readSecret('db/creds/app');
    await failureOf(manager.readSecret('db/creds/app'));
    vault.on('PUT /v1/sys/leases/renew', { body: { lease_id: 'l', lease_duration: 60 } });

    await expect(manager.readSecret('db/creds/app')).resolves.toMatchObject({ value: 'p' });

    expect(vault.asked.filter((asked) => asked === 'GET /v1/db/creds/app')).toHaveLength(1);
  });

  it('is retried for a 425', async () => {
    vault.on('GET /v1/secret/data/KEY', { status: 425, body: '' });

    expect(await failureOf(managerWith().readSecret('KEY'))).toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
    });
  });

  it.each([
    'Client sent an HTTP request to an HTTPS server.\n',
    '<html><center><h1>400 Bad Request</h1></center>The plain HTTP request was sent to HTTPS port</html>',
    "Your browser sent a request that this server could not understand.<br />Reason: You're speaking plain HTTP to an SSL-enabled server port.",
  ])('is reported as missing TLS if the port says so: %s', async (body) => {
    vault.on('GET /v1/secret/data/KEY', { status: 400, body });

    const { code, message } = await failureOf(managerWith().readSecret('KEY'));

    expect([code, message]).toEqual(['MISCONFIGURED', expect.stringContaining('with https:')]);
  });

  it.each([301, 302, 303, 308])('is reported as missing TLS if a %d says so', async (status) => {
    const location = 'https://127.0.0.1:1/v1/elsewhere';
    vault.on('GET /v1/secret/data/KEY', { status, headers: { location } });

    const { code, message } = await failureOf(managerWith().readSecret('KEY'));

    expect([code, message]).toEqual(['MISCONFIGURED', expect.stringContaining('with https:')]);
  });

  it.each([
    ['a page', { body: PAGE }, 'MALFORMED', 'a web page answers in place'],
    [
      'a redirect to another host',
      { status: 302, headers: { location: `https://sso.example/login?state=${CANARY}` } },
      'UNAVAILABLE',
      'as a proxy with a login page does',
    ],
  ])('is reported as a possible login page, by %s', async (_, answer, code, text) => {
    vault.on('GET /v1/secret/data/KEY', answer);

    const failure = await failureOf(managerWith().readSecret('KEY'));

    expect([failure.code, failure.message]).toEqual([code, expect.stringContaining(text)]);
    expect(leaks(everythingOf(failure), CANARY)).toBe(false);
  });
});

describe('an error of the manager for Vault', () => {
  let vault: FakeVault;

  beforeEach(async () => {
    vault = await new FakeVault().start();
  });

  afterEach(async () => {
    await closeApplications();
    await vault.stop();
  });

  it('names host and path, but not the query', async () => {
    const auth = { method: 'token', token: 's.x' } as const;
    const manager = new VaultSecretManager({ address: vault.address, auth });
    vault.on('GET /v1/secret/data/a/KEY?version=4711', { status: 503, body: PAGE });

    const { message } = await failureOf(manager.readSecret('a/KEY', { params: { version: 4711 } }));
    await manager.close();

    expect(message).toContain(`(HTTP 503, GET ${vault.address}/v1/secret/data/a/KEY)`);
    expect(message).not.toContain('4711');
  });

  it('names them if nobody answers, and if the login fails', async () => {
    const auth = { method: 'userpass', username: 'u', password: CANARY } as const;
    const { secrets } = await startWith(
      new VaultSecretManager({ address: 'http://127.0.0.1:1', auth }),
      { retry: false },
    );
    const refused = await failureOf(secrets.get('KEY'));
    const { secrets: others } = await startWith(
      new VaultSecretManager({
        address: 'http://127.0.0.1:1',
        auth: { method: 'token', token: 's.x' },
      }),
      { retry: false },
    );
    const unreachable = await failureOf(others.get('KEY', { params: { version: 4711 } }));
    const sync = await failureOf(() => others.getSync('OTHER'));

    expect(refused.message).toContain('POST http://127.0.0.1:1/v1/auth/userpass/login/u');
    expect(unreachable.message).toContain('GET http://127.0.0.1:1/v1/secret/data/KEY');
    expect(sync.message).toContain('GET http://127.0.0.1:1/v1/secret/data/OTHER');
    expect(unreachable.message).not.toContain('4711');
    expect([refused.code, unreachable.code, sync.code]).toEqual(Array(3).fill('UNAVAILABLE'));
  });
});
