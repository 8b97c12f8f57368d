import type { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { startOpenBao, type OpenBao } from './support/openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

describe('the engines of OpenBao beside KV 2', () => {
  let bao: OpenBao;

  beforeAll(async () => {
    bao = await startOpenBao();
    await bao.mountKv('kv1', 1);
    await bao.expect('POST', 'sys/mounts/transit', { type: 'transit' });
    await bao.expect('POST', 'transit/keys/app', {});
  });

  afterEach(() => Promise.all([closeApplications(), closeVaults()]));

  afterAll(() => bao.stop());

  const kv1 = () => vaultOn(bao, { mount: 'kv1', kvVersion: 1 });

  it('KV 1: a value is written, read, overwritten and deleted', async () => {
    const { secrets } = await startVaultApp(bao, { mount: 'kv1', kvVersion: 1 });

    await secrets.set('app/KEY', 'one');
    const first = await secrets.get('app/KEY', { maxAgeMs: 0 });
    await secrets.rotate('app/KEY', { value: 'two' });
    const second = await secrets.get('app/KEY', { maxAgeMs: 0 });
    await secrets.delete('app/KEY');

    expect([first, second, await secrets.get('app/KEY')]).toEqual(['one', 'two', undefined]);
    expect((await bao.request('GET', 'kv1/app/KEY')).status).toBe(404);
  });

  it('KV 1: a lease_duration is no lease, and does not limit how long a value is cached', async () => {
    await bao.expect('POST', 'kv1/WITH_TTL', { value: 'v', ttl: '1s' });

    const reading = await kv1().readSecret('WITH_TTL');

    expect(reading).toMatchObject({ value: 'v' });
    expect(reading?.validForMs).toBeUndefined();
  });

  it('KV 1: a chosen field is written without the others', async () => {
    await bao.expect('POST', 'kv1/FIELDS', { username: 'u', password: 'old' });
    const manager = vaultOn(bao, { mount: 'kv1', kvVersion: 1, field: 'password' });

    const before = await manager.readSecret('FIELDS');
    await manager.writeSecret('FIELDS', 'new');

    expect(before).toMatchObject({ value: 'old' });
    const { body } = await bao.expect('GET', 'kv1/FIELDS');
    expect(body).toMatchObject({ data: { username: 'u', password: 'new' } });
  });

  it('KV 1: numbers keep their source text, even after a write of another field', async () => {
    const headers = { 'x-vault-token': bao.rootToken };
    const body = '{"account":12345678901234567890,"rate":1.10,"user":"u"}';
    await fetch(`${bao.address}/v1/kv1/NUMBERS`, { method: 'POST', headers, body });

    await vaultOn(bao, { mount: 'kv1', kvVersion: 1, field: 'user' }).writeSecret('NUMBERS', 'w');

    const reading = await kv1().readSecret('NUMBERS');
    expect(reading?.value).toBe('{"account":12345678901234567890,"rate":1.10,"user":"w"}');
  });

  it('KV 1: a manager for KV 2 reports it, for an absence and for a write', async () => {
    await bao.expect('POST', 'kv1/THERE', { value: 'v' });
    const manager = vaultOn(bao, { mount: 'kv1' });

    const failures = [
      await failureOf(manager.readSecret('THERE')),
      await failureOf(manager.writeSecret('THERE', 'w')),
      await failureOf(manager.deleteSecret('THERE')),
    ];

    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['MISCONFIGURED']));
    const { body } = await bao.expect('GET', 'kv1/THERE');
    expect(body).toMatchObject({ data: { value: 'v' } });
  });

  it("any path: no path leads to the manager's token through a namespace", async () => {
    await bao.expect('POST', 'sys/namespaces/team', {});
    const { secrets } = await startVaultApp(bao, { kvVersion: 'none' });

    const failures = [
      await failureOf(secrets.get('team/auth/token/lookup-self')),
      await failureOf(secrets.get('team/sys/mounts')),
    ];

    expect(failures.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
  });

  it("KV 1: a mount that is a namespace does not lead to the namespace's own paths", async () => {
    await bao.expect('POST', 'sys/namespaces/team', {});
    const manager = vaultOn(bao, { mount: 'team', kvVersion: 1, field: 'policy' });

    const failures = [
      await failureOf(manager.readSecret('auth/token/lookup-self')),
      await failureOf(manager.writeSecret('sys/policies/acl/made', 'path "*" {}')),
      await failureOf(manager.deleteSecret('sys/policies/acl/default')),
    ];

    expect(failures.map(({ code }) => code)).toEqual(Array(3).fill('INVALID_ARGUMENT'));
    const { status } = await bao.request('GET', 'team/sys/policies/acl/made');
    expect(status).toBe(404);
  });

  it.each([
    ['a read', (manager: VaultSecretManager) => manager.readSecret('KEY')],
    ['a write', (manager: VaultSecretManager) => manager.writeSecret('KEY', 'v')],
    ['a deletion', (manager: VaultSecretManager) => manager.deleteSecret('KEY')],
  ])('reports that the mount is of KV 2 if an ordinary token is denied %s', async (_, ask) => {
    const token = await bao.tokenFor({ 'secret/data/*': ['read', 'create', 'update', 'delete'] });
    const manager = vaultOn(bao, { kvVersion: 1, auth: { method: 'token', token } });

    const failure = await failureOf(ask(manager));

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('Set kvVersion to 2'),
    });
  });

  it.each([
    ['create without overwriting', { createOnly: true }],
    ['keep a description', { description: 'of mail' }],
    ['keep tags', { tags: { team: 'a' } }],
  ])('KV 1: it cannot %s, and reports that before it writes', async (_, options) => {
    const failure = await failureOf(kv1().writeSecret('UNTOUCHED', 'v', options));

    expect(failure).toMatchObject({ code: 'UNSUPPORTED' });
    await expect(kv1().readSecret('UNTOUCHED')).resolves.toBeUndefined();
  });

  it('KV 1: it has no versions, and reports that', async () => {
    const failure = await failureOf(kv1().readSecret('ANY', { params: { version: 1 } }));

    expect(failure).toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('any path: a name begins with its mount, whatever engine that is', async () => {
    await bao.expect('POST', 'kv1/PLAIN', { value: 'of kv1' });
    const manager = vaultOn(bao, { kvVersion: 'none' });

    const readings = [
      await manager.readSecret('kv1/PLAIN'),
      await manager.readSecret('transit/keys/app', { params: { field: 'type' } }),
      await manager.readSecret('kv1/NEVER_THERE'),
    ];

    expect(readings.map((reading) => reading?.value)).toEqual([
      'of kv1',
      'aes256-gcm96',
      undefined,
    ]);
  });

  it('any path: one application reads KV 2 and others side by side, by params', async () => {
    await bao.put('KEY', 'of KV 2');
    await bao.expect('POST', 'kv1/KEY', { value: 'of KV 1' });
    const { secrets } = await startVaultApp(bao);

    const values = [
      await secrets.get('KEY'),
      await secrets.get('KEY', { params: { mount: 'kv1', kvVersion: 1 } }),
      await secrets.get('kv1/KEY', { params: { kvVersion: 'none' } }),
    ];

    expect(values).toEqual(['of KV 2', 'of KV 1', 'of KV 1']);
  });

  it.each(['sys/mounts', 'auth/token/lookup-self', 'sys/leases/lookup/a'])(
    'any path: paths of the server itself are refused: %s',
    async (name) => {
      const failure = await failureOf(vaultOn(bao, { kvVersion: 'none' }).readSecret(name));

      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  it('reports that the mount is of KV 2 if KV 1 is configured', async () => {
    await bao.put('KEY', 'value');

    const failure = await failureOf(vaultOn(bao, { kvVersion: 1 }).readSecret('KEY'));

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('kvVersion'),
    });
  });

  it('reports that the mount is of KV 2 if KV 1 is configured, before it writes or deletes', async () => {
    const manager = vaultOn(bao, { kvVersion: 1 });

    const failures = [
      await failureOf(manager.writeSecret('KEY', 'value')),
      await failureOf(manager.deleteSecret('KEY')),
    ];

    expect(failures).toMatchObject([{ code: 'MISCONFIGURED' }, { code: 'MISCONFIGURED' }]);
  });

  it('reports a missing mount', async () => {
    const managers = [
      vaultOn(bao, { mount: 'nope' }),
      vaultOn(bao, { mount: 'nope', kvVersion: 1 }),
      vaultOn(bao, { mount: 'nope', kvVersion: 'none' }),
    ];

    const failures = await Promise.all(
      managers.map((manager) => failureOf(manager.readSecret('KEY'))),
    );

    expect(failures).toMatchObject(
      Array(3).fill({ code: 'MISCONFIGURED', message: expect.stringContaining('"nope"') }),
    );
  });

  it('reports a denial for a missing mount that the token may not see', async () => {
    const token = await bao.tokenFor({ 'secret/data/*': ['read'] });
    const manager = vaultOn(bao, { mount: 'nope', auth: { method: 'token', token } });

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('nothing is mounted there'),
    });
  });

  it('reports an engine that cannot be read', async () => {
    const manager = vaultOn(bao, { mount: 'transit' });

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(manager.writeSecret('KEY', 'value')),
    ];

    for (const failure of failures) {
      expect(['MISCONFIGURED', 'UNSUPPORTED', 'INVALID_ARGUMENT']).toContain(failure.code);
    }
  });
});
