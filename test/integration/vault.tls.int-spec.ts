import type { SecretManagerError } from 'nestjs-custom-secret-manager';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { issueCertificates, type Certificates } from './support/certificates';
import { Logins } from './support/logins';
import { startOpenBao } from './support/openbao';
import { startTlsOpenBao, type TlsOpenBao } from './support/tls-openbao';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

describe('an OpenBao with TLS', () => {
  let bao: TlsOpenBao;
  let own: Certificates;
  let foreign: Certificates;
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));

  beforeAll(async () => {
    const authority = await startOpenBao();
    own = await issueCertificates(authority, 'own');
    foreign = await issueCertificates(authority, 'foreign');
    await authority.stop();
    bao = await startTlsOpenBao(own);
    await bao.put('KEY', 'value');
    await bao.permit('reader', { 'secret/data/*': ['read'] });
    await new Logins(bao).certificateRole('app', own.ca, { policies: ['reader'], ttl: '1h' });
  });

  afterEach(() => Promise.all([closeApplications(), closeVaults()]));

  afterAll(async () => {
    await bao.stop();
    rmSync(folder, { recursive: true });
  });

  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  const vault = (options: object) => vaultOn(bao, { address: bao.tlsAddress, ...options });

  const failureWith = async (options: object): Promise<SecretManagerError> => {
    const starting = startVaultApp(bao, { address: bao.tlsAddress, ...options });
    return await failureOf(starting.then(({ secrets }) => secrets.get('KEY')));
  };

  it('is read through a CA of its own, given as text or as a file', async () => {
    const managers = [
      vault({ tls: { ca: own.ca } }),
      vault({ tls: { caFile: file('ca.pem', own.ca) } }),
    ];

    const readings = await Promise.all(managers.map((manager) => manager.readSecret('KEY')));

    expect(readings).toMatchObject([{ value: 'value' }, { value: 'value' }]);
  });

  it.each([
    ['that is not given', {}],
    ['of somebody else', { tls: { ca: 'foreign' } }],
  ])('is MISCONFIGURED through a CA %s, at once and permanently', async (_, options: object) => {
    const tls = 'tls' in options ? { ca: foreign.ca } : undefined;
    const { secrets } = await startVaultApp(bao, { address: bao.tlsAddress, tls });

    const failures = [
      await failureOf(secrets.get('KEY')),
      await failureOf(secrets.set('KEY', 'new')),
      await failureOf(secrets.checkHealth()),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'MISCONFIGURED', retryable: false }));
  });

  it('accepts a client certificate, as text or as files, with a role or without', async () => {
    const { cert, key } = own.client;
    const { ca } = own;
    const tls = { ca, cert, key };
    const files = { ca, certFile: file('c.pem', cert), keyFile: file('k.pem', key) };
    const managers = [
      vault({ tls, auth: { method: 'cert' } }),
      vault({ tls, auth: { method: 'cert', name: 'app' } }),
      vault({ tls: files, auth: { method: 'cert', name: 'app' } }),
    ];

    const readings = await Promise.all(managers.map((manager) => manager.readSecret('KEY')));

    expect(readings).toMatchObject(Array(3).fill({ value: 'value' }));
  });

  it('is read synchronously with a client certificate', () => {
    const tls = { ca: own.ca, ...own.client };

    const reading = vault({ tls, auth: { method: 'cert', name: 'app' } }).readSecretSync('KEY');

    expect(reading).toMatchObject({ value: 'value' });
  });

  it('refuses a certificate of another authority, or without a role', async () => {
    const { ca } = own;
    const managers = [
      vault({ tls: { ca, ...foreign.client }, auth: { method: 'cert' } }),
      vault({ tls: { ca, ...own.client }, auth: { method: 'cert', name: 'nope' } }),
    ];

    const failures = await Promise.all(
      managers.map((manager) => failureOf(manager.readSecret('KEY'))),
    );

    for (const { code } of failures) expect(['UNAUTHENTICATED', 'MISCONFIGURED']).toContain(code);
    expect(failures[1]).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it.each([
    ['a key that does not fit the certificate', () => ({ ...own.client, key: foreign.client.key })],
    ['a certificate that is no PEM', () => ({ cert: 'no PEM', key: own.client.key })],
    ['a key that is no PEM', () => ({ cert: own.client.cert, key: 'canary-no-PEM' })],
  ])('prevents the start of an application with %s', async (_, tls) => {
    const failure = await failureWith({ tls: tls() });

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      operation: 'validateEnvironment',
      message: expect.stringContaining('tls cannot be used'),
    });
    expect(failure.message).not.toMatch(/canary|PRIVATE/);
  });

  it('is MISCONFIGURED through a CA that is no PEM', async () => {
    const failure = await failureWith({ tls: { ca: 'no PEM' } });

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
  });

  it('reports that it needs TLS to a client with plain HTTP', async () => {
    const address = bao.tlsAddress.replace('https:', 'http:');

    const failure = await failureWith({ address });

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('https:'),
    });
  });

  it('is MISCONFIGURED if the address has https and the server has no TLS', async () => {
    const address = bao.address.replace('http:', 'https:');

    const failure = await failureWith({ address });

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
  });

  it('is read by the name of its certificate', async () => {
    const address = bao.tlsAddress.replace('127.0.0.1', 'localhost');

    const reading = await vault({ address, tls: { ca: own.ca } }).readSecret('KEY');

    expect(reading?.value).toBe('value');
  });

  it('is MISCONFIGURED by another name than that of its certificate', async () => {
    const other = await startTlsOpenBao({ ...own, server: own.client }); // the certificate has another name
    const tls = { ca: own.ca };

    const failure = await failureWith({ address: other.tlsAddress, tls });
    await other.stop();

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
  });
});
