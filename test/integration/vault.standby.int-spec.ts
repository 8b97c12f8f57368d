import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { issueCertificates } from './support/certificates';
import { LocalServer, type Reply } from './support/local-server';
import { startOpenBao } from './support/openbao';
import { startRaftPair, type RaftNode } from './support/raft-openbao';
import { startTlsOpenBao, type TlsOpenBao } from './support/tls-openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

/** Redirects like a standby that cannot reach its active node. */
describe('a server that sends callers elsewhere', () => {
  let active: TlsOpenBao;
  let ca: string;
  let standby: LocalServer;
  let elsewhere: LocalServer;
  let reply: (path: string) => Reply;

  beforeAll(async () => {
    const authority = await startOpenBao();
    const certificates = await issueCertificates(authority, 'pki');
    await authority.stop();
    ca = certificates.ca;
    active = await startTlsOpenBao(certificates);
    await active.put('KEY', 'value');
  });

  beforeEach(async () => {
    standby = await new LocalServer(({ path }) => reply(path)).start();
    elsewhere = await new LocalServer(() => ({ status: 200, content: {} })).start();
  });

  afterEach(async () => {
    await closeVaults();
    await Promise.all([standby.stop(), elsewhere.stop()]);
  });

  afterAll(() => active.stop());

  const manager = () =>
    vaultOn({ address: standby.address, rootToken: active.rootToken }, { tls: { ca } });

  const to = (location: string): Reply => ({ status: 307, headers: { location } });

  it('is followed if it names the active node with https', async () => {
    reply = (path) => to(active.tlsAddress + path);

    const reading = await manager().readSecret('KEY');
    const written = await manager().writeSecret('WRITTEN', 'value');

    expect([reading?.value, written.version]).toEqual(['value', '1']);
    await expect(active.valueOf('WRITTEN')).resolves.toBe('value');
  });

  it('is followed if it names itself', async () => {
    const answer = {
      status: 200,
      content: { data: { data: { value: 'own' }, metadata: { version: 1 } } },
    };
    reply = (path) => (standby.count(/KEY/) === 1 ? to(standby.address + path) : answer);

    await expect(manager().readSecret('KEY')).resolves.toMatchObject({ value: 'own' });
  });

  it('is followed once, and not in a loop', async () => {
    reply = (path) => to(standby.address + path);

    const failure = await failureOf(manager().readSecret('KEY'));

    expect(failure.code).toBe('UNAVAILABLE');
    expect(standby.count(/KEY/)).toBe(2);
  });

  it.each([
    ['another host without TLS', (path: string) => elsewhere.address + path],
    [
      'a host with credentials in the address',
      (path: string) => active.tlsAddress.replace('//', '//user:password@') + path,
    ],
    ['another path', () => `${active.tlsAddress}/v1/sys/seal`],
    ['an invalid address', () => 'http://['],
    ['nowhere', () => ''],
  ])('is not followed if it names %s, and gets no token there', async (_, location) => {
    reply = (path) => to(location(path));

    const failure = await failureOf(manager().readSecret('KEY'));

    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).not.toContain('password');
    expect(elsewhere.received).toEqual([]);
  });

  it('is followed to a listed host, but not with a login', async () => {
    const address = standby.address.replace('127.0.0.1', 'localhost');
    const { host } = new URL(active.tlsAddress);
    const options = { address, redirectHosts: [host], tls: { ca } };
    const token = { method: 'token', token: active.rootToken } as const;
    const password = { method: 'userpass', username: 'u', password: 'canary' } as const;
    reply = (path) => to(active.tlsAddress + path);

    const reading = await vaultOn(active, { ...options, auth: token }).readSecret('KEY');
    const failures = [
      await failureOf(vaultOn(active, { ...options, auth: password }).readSecret('KEY')),
      await failureOf(
        vaultOn(active, { ...options, auth: token, redirectHosts: [] }).readSecret('KEY'),
      ),
    ];

    expect(reading?.value).toBe('value');
    expect(failures.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    expect(failures[0]?.message).toContain('a login is never sent on');
    expect(failures[1]?.message).toContain(`"${host}"`);
  });

  it('can be asked to write, and the active node is asked once', async () => {
    reply = (path) => to(active.tlsAddress + path);

    const first = await manager().writeSecret('ONCE', 'value', { createOnly: true });

    expect(first.version).toBe('1');
    expect(standby.count(/^POST .*ONCE/)).toBe(1);
  });
});

describe('a standby that answers reads by itself, and lags', () => {
  const ROUNDS = 50;
  let active: RaftNode;
  let standby: RaftNode;

  beforeAll(async () => {
    ({ active, standby } = await startRaftPair());
    await active.mountKv('kv1', 1);
    await active.expect('POST', 'sys/namespaces/team', {});
    await active.mountKv('secret', 2, 'team');
  });

  afterEach(() => Promise.all([closeApplications(), closeVaults()]));

  afterAll(async () => {
    await standby.stop();
    await active.stop();
  });

  it('returns old values without a required state', async () => {
    let old = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await standby.put('PLAIN', String(round));
      if ((await standby.valueOf('PLAIN')) !== String(round)) old += 1;
    }

    expect(old).toBeGreaterThan(0); // without the lag, the tests below prove nothing
  });

  it.each([
    ['KV 2', {}],
    ['KV 1', { mount: 'kv1', kvVersion: 1 }],
    ['KV 2 of a namespace', { namespace: 'team' }],
  ] as const)('returns the written value, at %s', async (_, options) => {
    const manager = vaultOn(standby, options);
    const seen: (string | undefined)[] = [];

    for (let round = 0; round < ROUNDS; round++) {
      await manager.writeSecret('OWN', String(round));
      seen.push((await manager.readSecret('OWN'))?.value);
    }

    expect(seen).toEqual(Array.from({ length: ROUNDS }, (__, round) => String(round)));
  });

  it('returns the written value to synchronous reads and in a batch', async () => {
    const manager = vaultOn(standby);
    const seen: unknown[] = [];
    const expected: unknown[] = [];

    for (let round = 0; round < ROUNDS; round++) {
      await manager.writeSecret('OWN', String(round));
      seen.push(manager.readSecretSync('OWN')?.value);
      await manager.writeSecret('OTHER', String(round));
      seen.push((await manager.readSecrets(['OTHER'])).get('OTHER'));
      expected.push(String(round), expect.objectContaining({ value: String(round) }));
    }

    expect(seen).toEqual(expected);
  });

  it('returns a deletion and a description at once', async () => {
    const manager = vaultOn(standby);

    for (let round = 0; round < ROUNDS; round++) {
      await manager.writeSecret('GONE', 'v', { description: String(round) });
      await expect(manager.describeSecret('GONE')).resolves.toMatchObject({
        description: String(round),
      });
      await manager.deleteSecret('GONE', { recoveryWindowInDays: 0 });
      await expect(manager.readSecret('GONE')).resolves.toBeUndefined();
      await manager.writeSecret('GONE', 'v', { createOnly: true });
    }
  });

  it('completes every rotation, in place and to another name', async () => {
    const { secrets } = await startVaultApp(standby);
    await secrets.set('ROTATED', 'first');

    for (let round = 0; round < ROUNDS; round++) {
      await secrets.rotate('ROTATED', { value: String(round) });
      await secrets.set(`FROM-${round}`, 'v');
      await secrets.rotate(`FROM-${round}`, { name: `TO-${round}`, value: 'w' });
    }

    await expect(secrets.get('ROTATED', { maxAgeMs: 0 })).resolves.toBe(String(ROUNDS - 1));
  });
});
