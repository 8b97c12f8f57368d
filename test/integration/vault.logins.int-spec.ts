import type { VaultAuth } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeApplications, startWith } from '../support/application';
import { failureOf } from '../support/failure-of';
import { eventually } from './support/eventually';
import { JwtIssuer } from './support/jwt';
import { Kubernetes } from './support/kubernetes';
import { Logins } from './support/logins';
import { startOpenBao, type OpenBao } from './support/openbao';
import { Proxy } from './support/proxy';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

const READER = { policies: ['reader'], ttl: '1h' };

describe('the login at OpenBao', () => {
  let bao: OpenBao;
  let proxy: Proxy;
  let logins: Logins;
  let cluster: Kubernetes;
  const issuer = new JwtIssuer();
  const folder = mkdtempSync(join(tmpdir(), 'logins-'));

  beforeAll(async () => {
    bao = await startOpenBao();
    logins = new Logins(bao);
    cluster = new Kubernetes();
    await cluster.start();
    await bao.permit('reader', { 'secret/data/*': ['read'] });
    await bao.put('KEY', 'value');
    await logins.jwtRole('app', issuer.publicKey, READER);
    await logins.kubernetesRole('app', cluster, READER);
  });

  beforeEach(async () => {
    proxy = new Proxy(bao.address);
    await proxy.start();
  });

  afterEach(async () => {
    await Promise.all([closeApplications(), closeVaults()]);
    await proxy.stop();
  });

  afterAll(async () => {
    await Promise.all([bao.stop(), cluster.stop()]);
    rmSync(folder, { recursive: true });
  });

  const file = (content: string): string => {
    const path = join(folder, randomUUID());
    writeFileSync(path, content);
    return path;
  };

  const jwt = (claims: object = {}): string =>
    issuer.issue({ sub: 'app', aud: 'vault', ...claims });

  const byAppRole = async (grants: object = {}): Promise<VaultAuth> => {
    const role = randomUUID();
    return { method: 'approle', ...(await logins.appRole(role, { ...READER, ...grants })) };
  };

  const byWrappedSecretId = async (): Promise<VaultAuth> => {
    const role = randomUUID();
    const { roleId } = await logins.appRole(role, READER);
    const wrappedSecretId = await logins.wrappedSecretId(role);
    return { method: 'approle', roleId, wrappedSecretId };
  };

  const throughProxy = (auth: VaultAuth, options: object = {}) =>
    vaultOn(bao, { address: proxy.address, auth, ...options });

  const methods: readonly [string, () => VaultAuth | Promise<VaultAuth>][] = [
    [
      'token',
      async () => {
        const token = await bao.tokenFor({ 'secret/data/KEY': ['read'] });
        return { method: 'token', token };
      },
    ],
    [
      'token-file',
      async () => {
        const token = await bao.tokenFor({ 'secret/data/KEY': ['read'] });
        return { method: 'token-file', path: file(`${token}\n`) };
      },
    ],
    ['approle', () => byAppRole()],
    ['approle with a wrapped secret id', byWrappedSecretId],
    [
      'approle, mounted elsewhere',
      async () => {
        const ids = await logins.appRole('app', READER, { mount: 'team/machines' });
        return { method: 'approle', mount: 'team/machines', ...ids };
      },
    ],
    [
      'approle, mounted where an address has to be encoded',
      async () => {
        const mount = 'our team/machines';
        return { method: 'approle', mount, ...(await logins.appRole('app', READER, { mount })) };
      },
    ],
    [
      'userpass',
      async () => {
        await logins.user('alice.b', 'pass word', READER);
        return { method: 'userpass', username: 'alice.b', password: 'pass word' };
      },
    ],
    ['jwt', () => ({ method: 'jwt', role: 'app', jwt: jwt() })],
    ['jwt of a file', () => ({ method: 'jwt', role: 'app', jwtFile: file(`${jwt()}\n`) })],
    [
      'kubernetes',
      () => ({ method: 'kubernetes', role: 'app', jwtFile: file(cluster.podToken()) }),
    ],
  ];

  it.each(methods)('by %s gives a token that reads', async (method, auth) => {
    const manager = throughProxy(await auth());

    const reading = await manager.readSecret('KEY');
    const isHealthy = await manager.checkHealth();

    expect([reading?.value, isHealthy]).toEqual(['value', true]);
    expect(proxy.logins).toBe(method.startsWith('token') ? 0 : 1);
  });

  it('happens in the namespace of the manager', async () => {
    await bao.expect('POST', 'sys/namespaces/team', {});
    await bao.mountKv('kv', 2, 'team');
    await bao.expect('POST', 'team/kv/data/KEY', { data: { value: 'of the team' } });
    await bao.expect('POST', 'team/sys/auth/userpass', { type: 'userpass' });
    await bao.expect('PUT', 'team/sys/policies/acl/reader', {
      policy: JSON.stringify({ path: { 'kv/*': { capabilities: ['read'] } } }),
    });
    const user = { password: 'pass word', token_policies: ['reader'] };
    await bao.expect('POST', 'team/auth/userpass/users/bob', user);
    const auth = { method: 'userpass', username: 'bob', password: 'pass word' } as const;

    const reading = await throughProxy(auth, { namespace: 'team', mount: 'kv' }).readSecret('KEY');

    expect(reading?.value).toBe('of the team');
  });

  it('happens once for a hundred concurrent reads', async () => {
    const manager = throughProxy(await byAppRole());

    const reads = Array.from({ length: 100 }, () => manager.readSecret('KEY'));
    const readings = await Promise.all(reads);

    expect(new Set(readings.map((reading) => reading?.value))).toEqual(new Set(['value']));
    expect(proxy.logins).toBe(1);
  });

  it('happens once for a hundred reads of a whole application', async () => {
    const options = { address: proxy.address, auth: await byAppRole() };
    const { secrets } = await startVaultApp(bao, options, { cache: false });

    await Promise.all(Array.from({ length: 100 }, (_, index) => secrets.get(`KEY_${index}`)));

    expect(proxy.logins).toBe(1);
    expect(proxy.count(/GET \/v1\/secret\/data\/KEY_/)).toBe(100);
  });

  const refused: readonly [string, () => VaultAuth | Promise<VaultAuth>][] = [
    [
      'a secret id that is not known',
      async () => ({
        ...((await byAppRole()) as VaultAuth & { method: 'approle' }),
        secretId: randomUUID(),
      }),
    ],
    [
      'a role id that is not known',
      () => ({
        method: 'approle',
        roleId: randomUUID(),
        secretId: randomUUID(),
      }),
    ],
    [
      'a wrapped secret id that somebody has used',
      async () => {
        const { roleId } = await logins.appRole('taken', READER);
        const wrappedSecretId = await logins.wrappedSecretId('taken');
        const headers = { 'x-vault-token': wrappedSecretId };
        await bao.expect('POST', 'sys/wrapping/unwrap', {}, headers);
        return { method: 'approle', roleId, wrappedSecretId };
      },
    ],
    [
      'a wrong password',
      async () => {
        await logins.user('carol', 'right', READER);
        return { method: 'userpass', username: 'carol', password: 'wrong' };
      },
    ],
    ['a JWT for somebody else', () => ({ method: 'jwt', role: 'app', jwt: jwt({ aud: 'other' }) })],
    [
      'a JWT that has expired',
      () => ({
        method: 'jwt',
        role: 'app',
        jwt: jwt({ iat: 1_000, exp: 2_000 }),
      }),
    ],
    [
      'a JWT that somebody else has signed',
      () => ({
        method: 'jwt',
        role: 'app',
        jwt: new JwtIssuer().issue({ sub: 'app', aud: 'vault' }),
      }),
    ],
    ['a missing role', () => ({ method: 'jwt', role: 'nope', jwt: jwt() })],
    [
      'a method that is not mounted',
      () => ({
        method: 'approle',
        roleId: randomUUID(),
        secretId: randomUUID(),
        mount: 'nope',
      }),
    ],
    ['a token that is not known', () => ({ method: 'token', token: `s.${randomUUID()}` })],
  ];

  it.each(refused)('is UNAUTHENTICATED with %s, and discloses nothing of it', async (_, given) => {
    const auth = await given();
    const manager = throughProxy(auth);

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(manager.writeSecret('KEY', 'new')),
      await failureOf(manager.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'UNAUTHENTICATED' }));
    const secret = Object.entries(auth).filter(
      ([name]) => !['method', 'mount', 'role', 'username'].includes(name),
    );
    for (const [, credential] of secret) {
      expect(failures.map(String).join('\n')).not.toContain(credential);
    }
    expect(proxy.logins).toBeLessThanOrEqual(1);
  });

  it('that is refused is not repeated per read, so that no account is locked', async () => {
    await logins.user('dave', 'right', READER);
    const wrong = { method: 'userpass', username: 'dave', password: 'wrong' } as const;
    const manager = throughProxy(wrong);

    for (let read = 0; read < 20; read++) await failureOf(manager.readSecret('KEY'));
    const reading = await throughProxy({ ...wrong, password: 'right' }).readSecret('KEY');

    expect(reading?.value).toBe('value');
    expect(proxy.logins).toBe(2);
  });

  it('that is refused is retried later, and works with valid credentials', async () => {
    await logins.user('erin', 'other', READER);
    const manager = throughProxy({ method: 'userpass', username: 'erin', password: 'right' });
    const failure = await failureOf(manager.readSecret('KEY'));

    await logins.user('erin', 'right', READER);
    await eventually('the login is tried again', () =>
      manager.readSecret('KEY').then(
        () => true,
        () => false,
      ),
    );

    expect(failure.code).toBe('UNAUTHENTICATED');
    expect(proxy.logins).toBe(2);
  });

  it('is repeated once for all reads that find the token revoked, and no read fails', async () => {
    const manager = throughProxy(await byAppRole());
    await manager.readSecret('KEY');
    await bao.revoke(proxy.token);

    const readings = await Promise.all(Array.from({ length: 50 }, () => manager.readSecret('KEY')));

    expect(new Set(readings.map((reading) => reading?.value))).toEqual(new Set(['value']));
    expect(proxy.logins).toBe(2);
  });

  it('is repeated with a secret id that was already unwrapped', async () => {
    const manager = throughProxy(await byWrappedSecretId());
    await manager.readSecret('KEY');
    await bao.revoke(proxy.token);

    const reading = await manager.readSecret('KEY');

    expect(reading?.value).toBe('value');
    expect([proxy.logins, proxy.count(/unwrap/)]).toEqual([2, 1]);
  });

  it('is repeated with the current JWT of its file', async () => {
    const jwtFile = file(jwt());
    const manager = throughProxy({ method: 'jwt', role: 'app', jwtFile });
    await manager.readSecret('KEY');
    const next = jwt({ sub: 'next' });
    writeFileSync(jwtFile, next);
    await bao.revoke(proxy.token);

    await manager.readSecret('KEY');

    const shown = proxy.received.filter(({ line }) => line.endsWith('/login'));
    expect(JSON.parse(shown.at(-1)?.body ?? '')).toMatchObject({ jwt: next });
  });

  it('is repeated if a fresh token has more rights than the old one', async () => {
    const role = randomUUID();
    const ids = await logins.appRole(role, { policies: ['default'], ttl: '1h' });
    const auth = { method: 'approle', ...ids } as const;
    const manager = throughProxy(auth, { retryDeniedWithFreshLogin: true });
    await manager.checkHealth();
    await logins.appRole(role, READER);

    const readings = await Promise.all(Array.from({ length: 20 }, () => manager.readSecret('KEY')));

    expect(new Set(readings.map((reading) => reading?.value))).toEqual(new Set(['value']));
    expect(proxy.logins).toBe(2);
  });

  it('is repeated once, and not per read, if a fresh token has no more rights', async () => {
    const manager = throughProxy(await byAppRole(), { retryDeniedWithFreshLogin: true });
    await manager.readSecret('KEY');

    for (let read = 0; read < 20; read++) {
      const failure = await failureOf(manager.readSecret('KEY', { params: { mount: 'denied' } }));
      expect(failure.code).toBe('ACCESS_DENIED');
    }

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    expect(proxy.logins).toBe(2);
  });

  it.each([
    ['given', (role: string, ids: { secretId: string }) => Promise.resolve(ids)],
    ['wrapped', async (role: string) => ({ wrappedSecretId: await logins.wrappedSecretId(role) })],
  ])(
    'spares a secret id with two uses (%s): a dead token uses it, but no denial',
    async (_, secretOf) => {
      const role = randomUUID();
      const { roleId, secretId } = await logins.appRole(role, READER, { secretIdUses: 2 });
      const auth = { method: 'approle', roleId, ...(await secretOf(role, { secretId })) } as const;
      const manager = throughProxy(auth);
      const { secrets } = await startWith(manager, { cache: false });
      const denied = { params: { mount: 'denied' } };
      await secrets.get('KEY');

      const failures = [
        await failureOf(manager.readSecret('KEY', denied)),
        await failureOf(manager.writeSecret('KEY', 'new')),
        await failureOf(manager.deleteSecret('KEY')),
        await failureOf(secrets.get('KEY', denied)),
        (await secrets.getMany(['KEY'], denied)).get('KEY'),
      ];
      await bao.revoke(proxy.token);
      const value = await secrets.get('KEY');

      expect(failures).toMatchObject([
        ...Array<object>(4).fill({ code: 'ACCESS_DENIED' }),
        { error: { code: 'ACCESS_DENIED' } },
      ]);
      expect([value, proxy.logins]).toEqual(['value', 2]);
    },
  );

  it('does not loop if every token is dead at once', async () => {
    const manager = throughProxy(await byAppRole());
    proxy.instead = ({ path }) =>
      path.startsWith('/v1/secret')
        ? { status: 403, content: { errors: ['permission denied'] } }
        : undefined;

    const failures = await Promise.all(
      Array.from({ length: 20 }, () => failureOf(manager.readSecret('KEY'))),
    );

    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['UNAUTHENTICATED']));
    expect(proxy.logins).toBeLessThanOrEqual(2);
  });

  it('at a sealed server is UNAVAILABLE, and is retried at once', async () => {
    const manager = throughProxy(await byAppRole());
    proxy.instead = () => ({ status: 503, content: { errors: ['Vault is sealed'] } });
    const failure = await failureOf(manager.readSecret('KEY'));
    proxy.instead = () => undefined;

    const reading = await manager.readSecret('KEY');

    expect(failure.code).toBe('UNAVAILABLE');
    expect(reading?.value).toBe('value');
  });

  it('uses the next token of a file when the file changes, and when the first is revoked', async () => {
    const tokens = await Promise.all(
      [1, 2, 3].map(() => bao.tokenFor({ 'secret/data/KEY': ['read'] })),
    );
    const [first = '', second = '', third = ''] = tokens;
    const path = file(first);
    const manager = throughProxy({ method: 'token-file', path });
    await manager.readSecret('KEY');

    writeFileSync(path, `${second}\n`);
    await eventually('the second token is used', async () => {
      await manager.readSecret('KEY');
      return proxy.token === second;
    });
    writeFileSync(path, third);
    await bao.revoke(second);
    const reading = await manager.readSecret('KEY');

    expect(reading?.value).toBe('value');
    expect(proxy.token).toBe(third);
  });

  it('ends with its own token revoked', async () => {
    const manager = throughProxy(await byAppRole());
    await manager.readSecret('KEY');
    const { token } = proxy;

    await manager.close();

    const { status } = await bao.request('GET', 'auth/token/lookup-self', undefined, {
      'x-vault-token': token,
    });
    expect(status).toBe(403);
  });

  it('does not revoke a given token on close', async () => {
    const token = await bao.tokenFor({ 'secret/data/KEY': ['read'] });
    const manager = throughProxy({ method: 'token', token });
    await manager.readSecret('KEY');

    await manager.close();

    const { status } = await bao.request('GET', 'auth/token/lookup-self', undefined, {
      'x-vault-token': token,
    });
    expect(status).toBe(200);
  });
});
