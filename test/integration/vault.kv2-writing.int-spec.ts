import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { startOpenBao, type OpenBao } from './support/openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

describe('writing to KV 2 of OpenBao', () => {
  let bao: OpenBao;

  beforeAll(async () => {
    bao = await startOpenBao();
  });

  afterEach(() => Promise.all([closeApplications(), closeVaults()]));

  afterAll(() => bao.stop());

  const fieldsOf = async (secretName: string): Promise<unknown> => {
    const { body } = await bao.request('GET', `secret/data/${secretName}`);
    return (body as { data?: { data?: unknown } }).data?.data;
  };

  const customMetadataOf = async (secretName: string): Promise<unknown> => {
    const { body } = await bao.request('GET', `secret/metadata/${secretName}`);
    return (body as { data?: { custom_metadata: unknown } }).data?.custom_metadata;
  };

  it('stores a secret as its field `value`, and returns version and time', async () => {
    const manager = vaultOn(bao);

    const first = await manager.writeSecret('NEW', 'one');
    const second = await manager.writeSecret('NEW', 'two');

    expect([first.version, second.version]).toEqual(['1', '2']);
    expect(second.createdAt?.getTime()).toBeGreaterThanOrEqual(first.createdAt?.getTime() ?? NaN);
    await expect(fieldsOf('NEW')).resolves.toEqual({ value: 'two' });
  });

  it('keeps the other fields if one is chosen', async () => {
    const data = { username: 'u', password: 'old', port: 5432 };
    await bao.expect('POST', 'secret/data/FIELDS', { data });

    await vaultOn(bao, { field: 'password' }).writeSecret('FIELDS', 'new');

    await expect(fieldsOf('FIELDS')).resolves.toEqual({ ...data, password: 'new' });
  });

  it('loses no field of concurrent writes', async () => {
    await bao.expect('POST', 'secret/data/CROWDED', { data: { a: 'old', b: 'old', c: 'old' } });
    const write = (field: string): Promise<unknown> =>
      vaultOn(bao, { field }).writeSecret('CROWDED', 'new');

    await Promise.all(['a', 'b', 'c'].map(write));

    await expect(fieldsOf('CROWDED')).resolves.toEqual({ a: 'new', b: 'new', c: 'new' });
  });

  it('refuses to create an existing secret, and keeps it unchanged', async () => {
    await bao.put('EXISTING', 'old');
    const { secrets } = await startVaultApp(bao);

    const failure = await failureOf(secrets.set('EXISTING', 'new', { createOnly: true }));

    expect(failure).toMatchObject({ code: 'CONFLICT', secretName: 'EXISTING' });
    await expect(bao.valueOf('EXISTING')).resolves.toBe('old');
  });

  it.each([
    ['was deleted', () => bao.expect('DELETE', 'secret/data/PHOENIX')],
    ['was destroyed', () => bao.expect('PUT', 'secret/destroy/PHOENIX', { versions: [1] })],
  ])('creates a secret that %s before', async (_, remove) => {
    await bao.request('DELETE', 'secret/metadata/PHOENIX');
    await bao.put('PHOENIX', 'old');
    await remove();

    const written = await vaultOn(bao).writeSecret('PHOENIX', 'new', { createOnly: true });

    expect(written).toMatchObject({ version: '2' });
    await expect(bao.valueOf('PHOENIX')).resolves.toBe('new');
  });

  it.each([
    ['that never existed', async () => undefined],
    [
      'that was deleted before',
      async () => {
        await bao.put('CONTESTED', 'old');
        await bao.expect('DELETE', 'secret/data/CONTESTED');
      },
    ],
  ])('lets exactly one of several instances create a secret %s', async (_, prepare) => {
    await bao.request('DELETE', 'secret/metadata/CONTESTED');
    await prepare();
    const instances = [vaultOn(bao), vaultOn(bao), vaultOn(bao), vaultOn(bao)];

    const outcomes = await Promise.allSettled(
      instances.map((manager, index) =>
        manager.writeSecret('CONTESTED', `of ${index}`, { createOnly: true }),
      ),
    );

    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    const losses = outcomes.filter(({ status }) => status === 'rejected');
    expect(losses).toEqual(
      Array(3).fill(
        expect.objectContaining({ reason: expect.objectContaining({ code: 'CONFLICT' }) }),
      ),
    );
    await expect(bao.valueOf('CONTESTED')).resolves.toBe(`of ${winner}`);
  });

  it('deletes a secret so that it can be restored, and overwrites a deleted one', async () => {
    const { secrets } = await startVaultApp(bao);
    await secrets.set('DELETED', 'first');

    await secrets.delete('DELETED');
    const afterwards = await secrets.get('DELETED');
    await bao.expect('POST', 'secret/undelete/DELETED', { versions: [1] });
    const restored = await secrets.get('DELETED', { maxAgeMs: 0 });
    await secrets.delete('DELETED');
    const written = await secrets.set('DELETED', 'second');

    expect([afterwards, restored, await secrets.get('DELETED')]).toEqual([
      undefined,
      'first',
      'second',
    ]);
    expect(written).toMatchObject({ version: '2' });
  });

  it('removes a secret completely without a recovery window', async () => {
    const { secrets } = await startVaultApp(bao);
    await secrets.set('GONE', 'first');
    await secrets.set('GONE', 'second');

    await secrets.delete('GONE', { recoveryWindowInDays: 0 });

    await expect(bao.names()).resolves.not.toContain('GONE');
  });

  it.each([undefined, 0])(
    'accepts the deletion of a missing secret, with a window of %p days',
    async (recoveryWindowInDays) => {
      const deletion = vaultOn(bao).deleteSecret('NEVER_THERE', { recoveryWindowInDays });

      await expect(deletion).resolves.toBeUndefined();
    },
  );

  it('stores description and tags as other clients do, and keeps those that are not given', async () => {
    const manager = vaultOn(bao);
    await manager.writeSecret('DESCRIBED', '1', {
      description: 'of mail',
      tags: { team: 'a', env: 'b' },
    });
    await manager.writeSecret('DESCRIBED', '2');
    const afterValue = await manager.describeSecret('DESCRIBED');
    await manager.writeSecret('DESCRIBED', '3', { description: 'of post' });
    const afterDescription = await manager.describeSecret('DESCRIBED');
    await manager.writeSecret('DESCRIBED', '4', { tags: { team: 'c' } });

    expect(afterValue).toEqual({ description: 'of mail', tags: { team: 'a', env: 'b' } });
    expect(afterDescription).toEqual({ description: 'of post', tags: { team: 'a', env: 'b' } });
    await expect(customMetadataOf('DESCRIBED')).resolves.toEqual({
      description: 'of post',
      team: 'c',
    });
  });

  it('rotates a secret in place, and keeps description and tags', async () => {
    const { secrets, manager } = await rotating('ROTATED');

    const rotated = await secrets.rotate('ROTATED', { value: 'new' });

    expect(rotated).toMatchObject({ version: '2' });
    await expect(secrets.get('ROTATED')).resolves.toBe('new');
    await expect(bao.valueOf('ROTATED')).resolves.toBe('new');
    await expect(manager.describeSecret('ROTATED')).resolves.toEqual({
      description: 'of mail',
      tags: { team: 'a' },
    });
  });

  it('rotates a secret to another name, with its description and tags', async () => {
    const { secrets, manager } = await rotating('OLD_NAME');

    await secrets.rotate('OLD_NAME', { name: 'NEW_NAME', value: 'new' });

    const values = await Promise.all([bao.valueOf('OLD_NAME'), bao.valueOf('NEW_NAME')]);
    expect(values).toEqual([undefined, 'new']);
    await expect(manager.describeSecret('NEW_NAME')).resolves.toEqual({
      description: 'of mail',
      tags: { team: 'a' },
    });
  });

  it('writes to a mount that requires check-and-set', async () => {
    await bao.mountKv('careful');
    await bao.expect('POST', 'careful/config', { cas_required: true });
    const { secrets } = await startVaultApp(bao, { mount: 'careful' });

    await secrets.set('KEY', 'one');
    await secrets.set('KEY', 'two');
    await secrets.delete('KEY');
    await secrets.set('KEY', 'three');
    await secrets.rotate('KEY', { value: 'four' });

    await expect(secrets.get('KEY', { maxAgeMs: 0 })).resolves.toBe('four');
  });

  it('writes below the prefix, in the mount and the namespace of the call', async () => {
    await bao.expect('POST', 'sys/namespaces/team', {});
    await bao.mountKv('kv', 2, 'team');
    const { secrets } = await startVaultApp(bao, { pathPrefix: 'app' });

    await secrets.set('KEY', 'value', { params: { mount: 'kv', namespace: 'team' } });

    const { body } = await bao.expect('GET', 'team/kv/data/app/KEY');
    expect(body).toMatchObject({ data: { data: { value: 'value' } } });
  });

  it('reports a denied write, and keeps serving the cached value', async () => {
    const token = await bao.tokenFor({ 'secret/data/READ_ONLY': ['read'] });
    await bao.put('READ_ONLY', 'old');
    const { secrets } = await startVaultApp(bao, { auth: { method: 'token', token } });
    await secrets.get('READ_ONLY');

    const failure = await failureOf(secrets.set('READ_ONLY', 'new'));

    expect(failure).toMatchObject({ code: 'ACCESS_DENIED', operation: 'writeSecret' });
    await expect(secrets.get('READ_ONLY')).resolves.toBe('old');
  });

  it('needs only rights on the data without description and tags', async () => {
    const token = await bao.tokenFor({
      'secret/data/MODEST': ['create', 'read', 'update', 'delete'],
    });
    const { secrets } = await startVaultApp(bao, { auth: { method: 'token', token } });

    await secrets.set('MODEST', 'one', { createOnly: true });
    await secrets.rotate('MODEST', { value: 'two' });
    await secrets.delete('MODEST');

    await expect(secrets.get('MODEST')).resolves.toBeUndefined();
  });

  it('reports a value that is too large, without a quote', async () => {
    const value = 'canary-'.repeat(6_000_000);

    const failure = await failureOf(vaultOn(bao).writeSecret('LARGE', value));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(failure.message).not.toContain('canary');
  });

  const rotating = async (secretName: string) => {
    const { secrets } = await startVaultApp(bao);
    await secrets.set(secretName, 'old', { description: 'of mail', tags: { team: 'a' } });
    return { secrets, manager: vaultOn(bao) };
  };
});
