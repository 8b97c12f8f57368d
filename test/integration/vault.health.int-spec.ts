import { type VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { freePort } from './support/free-port';
import { LocalServer, type Reply } from './support/local-server';
import { SealableOpenBao, startSealableOpenBao } from './support/openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

class NewOpenBao extends SealableOpenBao {
  /** Starts the server without an initialisation. */
  override async start(): Promise<void> {
    await this.launch();
  }
}

describe('the health of OpenBao', () => {
  let bao: SealableOpenBao;

  beforeAll(async () => {
    bao = await startSealableOpenBao();
  });

  afterEach(async () => {
    await Promise.all([closeApplications(), closeVaults()]);
    await bao.thaw();
    await bao.unseal();
  });

  afterAll(() => bao.stop());

  it('is good while it is unsealed and accepts the token', async () => {
    const { secrets } = await startVaultApp(bao);

    await expect(secrets.checkHealth()).resolves.toBe(true);
    await expect(vaultOn(bao).serverState()).resolves.toBe('active');
  });

  it('is good for a manager of a namespace', async () => {
    await bao.expect('POST', 'sys/namespaces/team', {});
    const { body } = await bao.expect('POST', 'team/auth/token/create', { policies: ['default'] });
    const { client_token: token } = (body as { auth: { client_token: string } }).auth;
    const manager = vaultOn(bao, { namespace: 'team', auth: { method: 'token', token } });

    await expect(manager.checkHealth()).resolves.toBe(true);
  });

  it('is good for a token that may not look up itself', async () => {
    const { body } = await bao.expect('POST', 'auth/token/create', {
      policies: ['nothing'],
      no_default_policy: true,
    });
    const { client_token: token } = (body as { auth: { client_token: string } }).auth;
    const manager = vaultOn(bao, { auth: { method: 'token', token } });

    await expect(manager.checkHealth()).resolves.toBe(true);
  });

  it('is bad when it is sealed, and good again when it is not', async () => {
    const manager = vaultOn(bao);
    await bao.seal();

    const failure = await failureOf(manager.checkHealth());
    const state = await manager.serverState();
    await bao.unseal();

    expect([failure.code, state]).toEqual(['UNAVAILABLE', 'sealed']);
    expect(failure.message).toContain('sealed');
    await expect(manager.checkHealth()).resolves.toBe(true);
  });

  it('is bad before it is initialised', async () => {
    const fresh = new NewOpenBao(await freePort());
    await fresh.start();
    const manager = vaultOn(fresh);

    const failure = await failureOf(manager.checkHealth());
    const state = await manager.serverState();
    await fresh.stop();

    expect([failure.code, state]).toEqual(['UNAVAILABLE', 'uninitialised']);
  });

  it('is bad when the token was revoked', async () => {
    const token = await bao.tokenFor({});
    const manager = vaultOn(bao, { auth: { method: 'token', token } });
    const before = await manager.checkHealth();
    await bao.revoke(token);

    const failure = await failureOf(manager.checkHealth());

    expect([before, failure.code]).toEqual([true, 'UNAUTHENTICATED']);
  });

  it('is bad when it cannot be reached', async () => {
    const address = `http://127.0.0.1:${await freePort()}`;

    const { secrets } = await startVaultApp(bao, { address });

    const failure = await failureOf(secrets.checkHealth());

    expect(failure.code).toBe('UNAVAILABLE');
  });

  it('is bad when it does not answer within the timeout', async () => {
    const { secrets } = await startVaultApp(bao);
    await bao.freeze();

    const failure = await failureOf(secrets.checkHealth({ timeoutMs: 300 }));

    expect(failure.code).toBe('TIMEOUT');
  });
});

describe('a server with the reported health', () => {
  let server: LocalServer;

  afterEach(async () => {
    await closeVaults();
    await server.stop();
  });

  const start = async (health: Reply): Promise<VaultSecretManager> => {
    server = await new LocalServer(({ path }) =>
      path === '/v1/sys/health' ? health : { status: 200, content: { data: { ttl: 0 } } },
    ).start();
    return vaultOn({ address: server.address, rootToken: 'token' });
  };

  const body = { initialized: true, sealed: false, standby: true };

  it.each([
    ['standby', 429, { status: 429, content: body }],
    ['performance-standby', 473, { status: 473, content: body }],
  ] as const)('%s (%d) serves, and is not treated as throttling', async (state, _, health) => {
    const manager = await start(health);

    await expect(manager.checkHealth()).resolves.toBe(true);
    await expect(manager.serverState()).resolves.toBe(state);
  });

  it.each([
    ['disaster-recovery-standby', { status: 472, content: body }],
    ['sealed', { status: 503, content: { ...body, sealed: true } }],
    ['uninitialised', { status: 501, content: { initialized: false, sealed: true } }],
  ] as const)('%s does not serve', async (state, health) => {
    const manager = await start(health);

    const failure = await failureOf(manager.checkHealth());

    expect(failure).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(state),
    });
    await expect(manager.serverState()).resolves.toBe(state);
  });

  it.each([
    ['a page that is no API', { status: 200, content: '<html>Welcome</html>' }, 'MALFORMED'],
    ['429 for throttling', { status: 429, content: 'slow down' }, 'THROTTLED'],
    ['503 of a proxy without its server', { status: 503, content: '' }, 'UNAVAILABLE'],
    ['404', { status: 404, content: '' }, 'MISCONFIGURED'],
  ])('%s is not recognised as a server of this kind', async (_, health, code) => {
    const manager = await start(health);

    const failure = await failureOf(manager.checkHealth());

    expect(failure.code).toBe(code);
  });
});
