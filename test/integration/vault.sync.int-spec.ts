import type { VaultAuth } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { randomUUID } from 'node:crypto';
import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { Logins } from './support/logins';
import { startSealableOpenBao, type SealableOpenBao } from './support/openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

describe('a synchronous read of OpenBao', () => {
  let bao: SealableOpenBao;

  beforeAll(async () => {
    bao = await startSealableOpenBao();
    await bao.permit('reader', { 'secret/data/*': ['read'], 'kv1/*': ['read'] });
    await bao.put('KEY', 'value');
    await bao.mountKv('kv1', 1);
    await bao.expect('POST', 'kv1/KEY', { value: 'of kv1' });
  });

  afterEach(async () => {
    await Promise.all([closeApplications(), closeVaults()]);
    await bao.thaw();
    await bao.unseal();
  });

  afterAll(() => bao.stop());

  const byAppRole = async (): Promise<VaultAuth> => {
    const ids = await new Logins(bao).appRole(randomUUID(), { policies: ['reader'], ttl: '1h' });
    return { method: 'approle', ...ids };
  };

  const tokens = async (): Promise<readonly string[]> => {
    const { body } = await bao.expect('GET', 'auth/token/accessors?list=true');
    return (body as { data: { keys: string[] } }).data.keys;
  };

  it('returns the result of an asynchronous read: KV 2, KV 1, an absent secret, a version, a field', async () => {
    const manager = vaultOn(bao, { auth: await byAppRole() });
    const kv1 = { mount: 'kv1', kvVersion: 1 };
    const asked = [
      ['KEY', {}],
      ['KEY', kv1],
      ['NEVER_THERE', {}],
      ['NEVER_THERE', kv1],
      ['KEY', { version: 1 }],
      ['KEY', { version: 9 }],
    ] as const;

    const synchronously = asked.map(([name, params]) => manager.readSecretSync(name, { params }));
    const asynchronously = await Promise.all(
      asked.map(([name, params]) => manager.readSecret(name, { params })),
    );

    expect(synchronously).toEqual(asynchronously);
    expect(synchronously[0]).toEqual({ value: 'value', version: '1' });
  });

  it('logs in once for all reads of both kinds', async () => {
    const before = await tokens();
    const manager = vaultOn(bao, { auth: await byAppRole() });

    manager.readSecretSync('KEY');
    manager.readSecretSync('KEY');
    await manager.readSecret('KEY');

    const after = await tokens();
    expect(after.filter((token) => !before.includes(token))).toHaveLength(1);
  });

  it('logs in again after the token was revoked', async () => {
    const before = await tokens();
    const manager = vaultOn(bao, { auth: await byAppRole() });
    manager.readSecretSync('KEY');
    const own = (await tokens()).filter((token) => !before.includes(token));
    await bao.expect('POST', 'auth/token/revoke-accessor', { accessor: own[0] });

    const reading = manager.readSecretSync('KEY');

    expect(reading).toMatchObject({ value: 'value' });
  });

  it('serves getSync of an application, with the cache or without', async () => {
    const auth = await byAppRole();
    const cached = await startVaultApp(bao, { auth });
    const uncached = await startVaultApp(bao, { auth }, { cache: false });

    const values = [cached, cached, uncached].map(({ secrets }) => secrets.getSync('KEY'));

    expect(values).toEqual(['value', 'value', 'value']);
  });

  it('fails like an asynchronous read', async () => {
    const token = await bao.tokenFor({ 'secret/data/KEY': ['read'] });
    const unknown = { method: 'token', token: `s.${randomUUID()}` } as const;
    const { secrets } = await startVaultApp(
      bao,
      { auth: { method: 'token', token } },
      { cache: false, attemptTimeoutMs: 2_000 },
    );
    const stranger = await startVaultApp(bao, { auth: unknown }, { cache: false });

    const denied = await failureOf(() => secrets.getSync('OTHER'));
    const unauthenticated = await failureOf(() => stranger.secrets.getSync('KEY'));
    await bao.seal();
    const sealed = await failureOf(() => secrets.getSync('KEY'));
    await bao.unseal();
    await bao.freeze();
    const frozen = await failureOf(() => secrets.getSync('KEY'));

    expect([denied, unauthenticated, sealed, frozen].map(({ code }) => code)).toEqual([
      'ACCESS_DENIED',
      'UNAUTHENTICATED',
      'UNAVAILABLE',
      'TIMEOUT',
    ]);
  });
});
