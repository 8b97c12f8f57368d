import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { startOpenBao, type OpenBao } from './support/openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

describe('reading KV 2 of OpenBao', () => {
  let bao: OpenBao;

  beforeAll(async () => {
    bao = await startOpenBao();
  });

  afterEach(() => Promise.all([closeApplications(), closeVaults()]));

  afterAll(() => bao.stop());

  const hold = (secretName: string, data: object | null, mount = 'secret'): Promise<unknown> =>
    bao.expect('POST', `${mount}/data/${secretName}`, { data });

  it('returns the value and its version', async () => {
    await bao.put('TOLD', 'first');
    await bao.put('TOLD', 'second');

    const reading = await vaultOn(bao).readSecret('TOLD');

    expect(reading).toEqual({ value: 'second', version: '2' });
  });

  it.each([
    ['nothing', ''],
    ['spaces and a line break', ' spaces \n'],
    ['quotes', '"quoted"'],
    ['text that looks like JSON', 'null'],
    ['text that looks like a number', '1.50'],
    ['letters of many scripts', 'Üñï — 🔑'],
    ['200 000 characters', 'x'.repeat(200_000)],
  ])('returns %s unchanged', async (_, value) => {
    await bao.put('UNCHANGED', value);

    const reading = await vaultOn(bao).readSecret('UNCHANGED');

    expect(reading).toMatchObject({ value });
  });

  it.each(['team/app/KEY', 'with space', 'a+b&c=d', 'who?', 'part#1', 'Ünï', 'data/data'])(
    'stores the name %j at the path that other clients use',
    async (name) => {
      const path = name.split('/').map(encodeURIComponent).join('/');
      await hold(path, { value: `of ${name}` });

      const reading = await vaultOn(bao).readSecret(name);

      expect(reading).toMatchObject({ value: `of ${name}` });
    },
  );

  it('returns undefined for a missing secret', async () => {
    await expect(vaultOn(bao).readSecret('NEVER_THERE')).resolves.toBeUndefined();
  });

  it('returns undefined for a deleted latest version, and the value after it is undeleted', async () => {
    await bao.put('DELETED', 'value');
    await bao.expect('DELETE', 'secret/data/DELETED');

    const whenDeleted = await vaultOn(bao).readSecret('DELETED');
    await bao.expect('POST', 'secret/undelete/DELETED', { versions: [1] });
    const restored = await vaultOn(bao).readSecret('DELETED');

    expect([whenDeleted, restored]).toEqual([undefined, { value: 'value', version: '1' }]);
  });

  it('returns undefined for a destroyed latest version', async () => {
    await bao.put('DESTROYED', 'value');
    await bao.expect('PUT', 'secret/destroy/DESTROYED', { versions: [1] });

    await expect(vaultOn(bao).readSecret('DESTROYED')).resolves.toBeUndefined();
  });

  it('treats a version without data as absent', async () => {
    await hold('NO_DATA', null);

    await expect(vaultOn(bao).readSecret('NO_DATA')).resolves.toBeUndefined();
  });

  it('returns a requested earlier version, and undefined for missing ones', async () => {
    await bao.put('VERSIONED', 'first');
    await bao.put('VERSIONED', 'second');
    const { secrets } = await startVaultApp(bao);

    const values = await Promise.all(
      [1, '2', 99].map((version) => secrets.get('VERSIONED', { params: { version } })),
    );

    expect([...values, await secrets.get('VERSIONED')]).toEqual([
      'first',
      'second',
      undefined,
      'second',
    ]);
  });

  it.each([
    ['`value`, if there is one', { other: 'x', key: 'y', value: 'this' }],
    ['else `key`', { other: 'x', key: 'this' }],
    ['else the only one', { password: 'this' }],
  ])('uses the field %s as the value', async (_, data) => {
    await hold('FIELDS', data);

    await expect(vaultOn(bao).readSecret('FIELDS')).resolves.toMatchObject({ value: 'this' });
  });

  it('uses the JSON of several fields without a choice', async () => {
    await hold('SEVERAL', { username: 'u', port: 5432, nested: { a: [true, null] } });

    const reading = await vaultOn(bao).readSecret('SEVERAL');

    expect(JSON.parse(reading?.value ?? '')).toEqual({
      username: 'u',
      port: 5432,
      nested: { a: [true, null] },
    });
  });

  it('uses the field of the options, or that of the call', async () => {
    await hold('CHOSEN', { username: 'u', password: 'p', port: 5432, value: 'v' });
    const manager = vaultOn(bao, { field: 'password' });

    const readings = [
      await manager.readSecret('CHOSEN'),
      await manager.readSecret('CHOSEN', { params: { field: 'username' } }),
      await manager.readSecret('CHOSEN', { params: { field: 'port' } }),
    ];

    expect(readings.map((reading) => reading?.value)).toEqual(['p', 'u', '5432']);
  });

  it.each(['nope', 'toString'])('reports that the chosen field %s is missing', async (field) => {
    await hold('CHOSEN', { username: 'u', password: 'p' });

    const failure = await failureOf(vaultOn(bao, { field }).readSecret('CHOSEN'));

    expect(failure).toMatchObject({ code: 'MALFORMED', message: expect.stringContaining(field) });
  });

  it.each(['12345678901234567890', '0.12345678901234567890'])(
    'refuses the number %s, which the server changes, and writes nothing beside it',
    async (number) => {
      const body = `{"data":{"account":${number},"user":"u"}}`;
      const headers = { 'x-vault-token': bao.rootToken };
      await fetch(`${bao.address}/v1/secret/data/NUMBER`, { method: 'POST', headers, body });
      const manager = vaultOn(bao, { field: 'user' });

      const failures = [
        await failureOf(manager.readSecret('NUMBER', { params: { field: 'account' } })),
        await failureOf(manager.writeSecret('NUMBER', 'new')),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED']);
      await expect(manager.readSecret('NUMBER')).resolves.toMatchObject({
        value: 'u',
        version: '1',
      });
      await bao.expect('DELETE', 'secret/metadata/NUMBER');
    },
  );

  it('finds secrets of another mount, below a prefix, and of the mount that a call names', async () => {
    for (const mount of ['team-a', 'tenants/acme']) {
      await bao.mountKv(mount);
      await hold('shop/app/KEY', { value: `of ${mount}` }, mount);
    }
    const { secrets } = await startVaultApp(bao, { mount: 'team-a', pathPrefix: 'shop/app' });

    const values = [
      await secrets.get('KEY'),
      await secrets.get('KEY', { params: { mount: 'tenants/acme' } }),
      await secrets.get('KEY', { params: { mount: 'secret' } }),
    ];

    expect(values).toEqual(['of team-a', 'of tenants/acme', undefined]);
  });

  it('separates namespaces', async () => {
    for (const namespace of ['red', 'blue']) {
      await bao.expect('POST', `sys/namespaces/${namespace}`, {});
      await bao.mountKv('secret', 2, namespace);
      await hold('KEY', { value: `of ${namespace}` }, `${namespace}/secret`);
    }
    const { secrets } = await startVaultApp(bao, { namespace: 'red' });

    const values = [
      await secrets.get('KEY'),
      await secrets.get('KEY', { params: { namespace: 'blue' } }),
    ];

    expect(values).toEqual(['of red', 'of blue']);
  });

  it('reports a missing namespace', async () => {
    const failure = await failureOf(
      startVaultApp(bao, { namespace: 'nope' }).then(({ secrets }) => secrets.get('KEY')),
    );

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('namespace'),
    });
  });

  it('reports a denied path, and whose token', async () => {
    const token = await bao.tokenFor({ 'secret/data/MINE': ['read'] });
    await bao.put('MINE', 'mine');
    await bao.put('YOURS', 'yours');
    const { secrets } = await startVaultApp(bao, { auth: { method: 'token', token } });

    const answers = await secrets.getMany(['MINE', 'YOURS', 'NOBODYS']);

    expect(answers.get('MINE')).toEqual({ value: 'mine' });
    expect(answers.get('YOURS')).toMatchObject({
      error: { code: 'ACCESS_DENIED', secretName: 'YOURS' },
    });
    expect(answers.get('NOBODYS')).toMatchObject({ error: { code: 'ACCESS_DENIED' } });
  });

  it.each([
    ['a mount of the server itself', { mount: 'sys' }],
    ['a mount outside', { mount: '../sys' }],
    ['an invalid version', { version: 'latest' }],
    ['an unknown param', { stage: 'AWSCURRENT' }],
  ])('refuses %s before any request', async (_, params) => {
    const failure = await failureOf(vaultOn(bao).readSecret('KEY', { params }));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
