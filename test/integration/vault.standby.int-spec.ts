import { failureOf } from '../support/failure-of';
import { issueCertificates } from './support/certificates';
import { LocalServer, type Reply } from './support/local-server';
import { startOpenBao } from './support/openbao';
import { startTlsOpenBao, type TlsOpenBao } from './support/tls-openbao';
import { closeVaults, vaultOn } from './support/vault';

/** As a standby does it whose active node cannot be reached. */
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

  it('is obeyed where it names the active node with https', async () => {
    reply = (path) => to(active.tlsAddress + path);

    const reading = await manager().readSecret('KEY');
    const written = await manager().writeSecret('WRITTEN', 'value');

    expect([reading?.value, written.version]).toEqual(['value', '1']);
    await expect(active.valueOf('WRITTEN')).resolves.toBe('value');
  });

  it('is obeyed where it names itself', async () => {
    const answer = {
      status: 200,
      content: { data: { data: { value: 'own' }, metadata: { version: 1 } } },
    };
    reply = (path) => (standby.count(/KEY/) === 1 ? to(standby.address + path) : answer);

    await expect(manager().readSecret('KEY')).resolves.toMatchObject({ value: 'own' });
  });

  it('is obeyed once, and not in a circle', async () => {
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
    ['what is no address', () => 'http://['],
    ['nowhere', () => ''],
  ])('is not obeyed where it names %s, and no token goes there', async (_, location) => {
    reply = (path) => to(location(path));

    const failure = await failureOf(manager().readSecret('KEY'));

    expect(failure.code).toBe('UNAVAILABLE');
    expect(failure.message).not.toContain('password');
    expect(elsewhere.received).toEqual([]);
  });

  it('is obeyed where it names a host that is listed, and no login goes there', async () => {
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
