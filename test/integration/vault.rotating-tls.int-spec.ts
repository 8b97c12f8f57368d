import type { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { translateError } from '../../lib/core/errors/error-table';
import { OutsideServer } from '../support/outside-server';
import { issueCertificates, type Certificates } from './support/certificates';
import { eventually } from './support/eventually';
import { Logins } from './support/logins';
import { startOpenBao } from './support/openbao';
import { startTlsOpenBao, type TlsOpenBao } from './support/tls-openbao';
import { closeVaults, vaultOn } from './support/vault';

const CONTEXT = { manager: 'hashicorp-vault', operation: 'checkHealth' };

describe('an OpenBao whose certificates are renewed', () => {
  let bao: TlsOpenBao;
  let proxy: OutsideServer;
  let first: Certificates;
  let second: Certificates;
  let logins: Logins;
  let folder: string;

  beforeAll(async () => {
    const authority = await startOpenBao();
    first = await issueCertificates(authority, 'first');
    second = await issueCertificates(authority, 'second');
    await authority.stop();
    proxy = await new OutsideServer('outside-vault.process.mjs').start();
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tls-'));
    bao = await startTlsOpenBao(first);
    logins = new Logins(bao);
    await bao.put('KEY', 'value');
    await bao.permit('reader', { 'secret/data/*': ['read'] });
    replace('ca', first.ca);
    replace('cert', first.client.cert);
    replace('key', first.client.key);
  });

  afterEach(async () => {
    await closeVaults();
    await bao.stop();
    rmSync(folder, { recursive: true });
  });

  afterAll(() => proxy.stop());

  const path = (name: string): string => join(folder, name);
  const replace = (name: string, content: string): void => {
    writeFileSync(path(`${name}.new`), content);
    renameSync(path(`${name}.new`), path(name));
  };
  const manager = (options: object = {}): VaultSecretManager => {
    const tls = { caFile: path('ca'), certFile: path('cert'), keyFile: path('key') };
    return vaultOn(bao, { address: bao.tlsAddress, tls, ...options });
  };
  const permit = (ca: string, grants: object = {}) =>
    logins.certificateRole('app', ca, { policies: ['reader'], ttl: '1h', ...grants });
  const tunnelled = (): object => ({ proxy: proxy.address });

  it.each([
    ['directly', () => ({})],
    ['through a proxy', tunnelled],
  ])('is read with its new authority, in every way, %s', async (_, options) => {
    await permit(first.ca);
    const before = manager({ auth: { method: 'cert' }, ...options() });
    const startValues = [await before.readSecret('KEY'), before.readSecretSync('KEY')];
    await bao.renew(second);
    const late: unknown = await manager(options())
      .checkHealth()
      .catch((error: unknown) => error);

    replace('ca', second.ca);
    const values = [await before.readSecret('KEY'), before.readSecretSync('KEY')];
    const isHealthy = [await before.checkHealth(), await manager(options()).checkHealth()];
    const afterLogin = await manager({ auth: { method: 'cert' }, ...options() }).readSecret('KEY');

    expect(translateError(late, CONTEXT).code).toBe('MISCONFIGURED');
    expect([...startValues, ...values, afterLogin].map((reading) => reading?.value)).toEqual(
      Array(5).fill('value'),
    );
    expect(isHealthy).toEqual([true, true]);
  });

  it.each([
    ['directly', () => ({})],
    ['through a proxy', tunnelled],
  ])('accepts the new client certificate, in every way, %s', async (_, options) => {
    await permit(first.ca);
    const managers = [1, 2].map(() => manager({ auth: { method: 'cert' }, ...options() }));
    const [one, other] = managers as [VaultSecretManager, VaultSecretManager];
    await one.readSecret('KEY');
    other.readSecretSync('KEY');
    await permit(second.ca);
    await bao.expect('POST', 'sys/leases/revoke-prefix/auth/cert/login', {}); // kills both tokens

    replace('cert', second.client.cert);
    replace('key', second.client.key);

    expect((await one.readSecret('KEY'))?.value).toBe('value');
    expect(other.readSecretSync('KEY')?.value).toBe('value');
  });

  it('is read while certificate and key do not match, and while a file is half written or missing', async () => {
    await permit(first.ca);
    const vault = manager({ auth: { method: 'cert' } });
    await vault.readSecret('KEY');
    const read = async () => [
      (await vault.readSecret('KEY'))?.value,
      vault.readSecretSync('KEY')?.value,
      await vault.checkHealth(),
    ];

    const seen: unknown[] = [];
    for (const change of [
      () => replace('cert', second.client.cert),
      () => writeFileSync(path('key'), second.client.key.slice(0, 60)),
      () => rmSync(path('ca')),
      () => writeFileSync(path('ca'), first.ca.slice(0, 200)),
    ]) {
      change();
      seen.push(await read());
    }
    replace('ca', first.ca);
    replace('key', second.client.key);
    seen.push(await read());

    expect(seen).toEqual(Array(5).fill(['value', 'value', true]));
  });

  it('grants a new token in time if the old one belongs to the previous certificate', async () => {
    await permit(`${first.ca}\n${second.ca}`, { ttl: '3s' });
    const vault = manager({ auth: { method: 'cert' } });
    const accessors = async (): Promise<string[]> => {
      const { body } = await bao.expect('GET', 'auth/token/accessors?list=true');
      return (body as { data: { keys: string[] } }).data.keys;
    };
    await vault.readSecret('KEY');
    const before = await accessors();

    replace('cert', second.client.cert);
    replace('key', second.client.key);

    await eventually('another token was granted', async () =>
      (await accessors()).some((accessor) => !before.includes(accessor)),
    );
    expect((await vault.readSecret('KEY'))?.value).toBe('value');
  });
});
