import type { AzureAuth } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { AzureKeyVaultSecretManager } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned } from '../../integration/support/self-signed';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';
import { FEDERATED_TOKEN, IDENTITY_HEADER } from '../../support/fake-azure-logins';
import { azureLogin } from '../../../lib/drivers/azure-key-vault/login/azure-login';
import { BY_SECRET, Fixture, IDS } from './fixture';

const RSA = selfSigned('app', 'rsa');

describe('a login of the manager for Azure Key Vault', () => {
  let fixture: Fixture;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'azure-'));
    fixture = await new Fixture({ certificate: RSA.cert }).start();
    fixture.fake.seed('API-KEY', 'value');
  });

  afterEach(async () => {
    await fixture.close();
    rmSync(folder, { recursive: true });
  });

  const logins = (): number => fixture.fake.logins.requests.length;

  it.each<[string, () => AzureAuth]>([
    ['a client secret', () => BY_SECRET],
    [
      'a certificate',
      () => ({ method: 'certificate', ...IDS, certificate: RSA.cert, privateKey: RSA.key }),
    ],
    ['the metadata service', () => ({ method: 'managed-identity', endpoint: fixture.fake.url })],
  ])('works by %s, once for any number of reads', async (_, auth) => {
    const manager = fixture.manager({ auth: auth() });

    const readings = await Promise.all([1, 2, 3].map(() => manager.readSecret('API-KEY')));

    expect(readings.map((reading) => reading?.value)).toEqual(['value', 'value', 'value']);
    expect(logins()).toBe(1);
  });

  it('works by certificate and key in one file, which is read at each login', async () => {
    const file = join(folder, 'app.pem');
    writeFileSync(file, `${RSA.key}${RSA.cert}`);
    const manager = fixture.manager({
      auth: { method: 'certificate', ...IDS, certificateFile: file, privateKeyFile: file },
    });
    const first = await manager.readSecret('API-KEY');
    fixture.fake.logins.revokeTokens();
    writeFileSync(file, 'damaged');

    const failed = await failureOf(manager.readSecret('API-KEY'));

    expect([first?.value, failed.code]).toEqual(['value', 'UNAUTHENTICATED']);
  });

  it('works by a token file, which is read at each login', async () => {
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'expired');
    const manager = fixture.manager({ auth: { method: 'workload-identity', ...IDS, tokenFile } });
    const before = await failureOf(manager.readSecret('API-KEY'));
    await new Promise((resolve) => setTimeout(resolve, 1_050)); // the pause after a refused login

    writeFileSync(tokenFile, `${FEDERATED_TOKEN}\n`);

    await expect(manager.readSecret('API-KEY')).resolves.toMatchObject({ value: 'value' });
    expect(before.code).toBe('UNAUTHENTICATED');
  });

  it('works by the identity of App Service, from its variables', async () => {
    const manager = AzureKeyVaultSecretManager.fromEnvironment(
      {
        AZURE_KEY_VAULT_URI: fixture.fake.url,
        IDENTITY_ENDPOINT: `${fixture.fake.url}/msi/token`,
        IDENTITY_HEADER,
        HTTP_PROXY: 'http://127.0.0.1:9', // nobody answers there
        NO_PROXY: '127.0.0.1',
      },
      { trustedHosts: [fixture.fake.host] },
    );

    await expect(manager.readSecret('API-KEY')).resolves.toMatchObject({ value: 'value' });
    await manager.close();
  });

  it('asks the credential object of the application for the scope of the vault', async () => {
    const token = fixture.fake.logins.accept('of-the-application');
    const getToken = jest.fn(async () => ({ token, expiresOnTimestamp: Date.now() + 600_000 }));
    const manager = fixture.manager({ auth: { getToken } });

    await manager.readSecret('API-KEY');
    await manager.readSecret('API-KEY');

    expect(getToken.mock.calls).toEqual([['https://vault.azure.net/.default']]);
  });

  it.each<[string, () => unknown, string]>([
    ['null', () => null, 'UNAUTHENTICATED'],
    ['no end', () => ({ token: 'x' }), 'UNAUTHENTICATED'],
    [
      'an end that is no number',
      () => ({
        token: 'x',
        expiresOnTimestamp: {
          valueOf: () => {
            throw new Error('canary-7f3e51aa');
          },
        },
      }),
      'UNAUTHENTICATED',
    ],
    [
      'a line break',
      () => ({ token: 'canary\ntoken', expiresOnTimestamp: Date.now() + 60_000 }),
      'UNAUTHENTICATED',
    ],
    [
      'a rejection',
      () => Promise.reject(new Error('canary-7f3e51aa quotes a body')),
      'UNAUTHENTICATED',
    ],
    [
      'an outage',
      () => Promise.reject(Object.assign(new Error('canary'), { code: 'ECONNREFUSED' })),
      'UNAVAILABLE',
    ],
  ])('fails if the credential object gives %s', async (_, answer, code) => {
    const auth = { getToken: async () => (await answer()) as never };

    const failed = await failureOf(fixture.manager({ auth }).readSecret('API-KEY'));

    expect(failed.code).toBe(code);
    expect(everythingOf(failed)).not.toContain('canary');
  });

  it('ends with close while the credential object hangs', async () => {
    const getToken = jest.fn(() => new Promise<never>(() => undefined));
    const manager = fixture.manager({ auth: { getToken } });
    const failed = failureOf(manager.readSecret('API-KEY'));

    await manager.close();

    await expect(failed).resolves.toMatchObject({ code: 'UNAVAILABLE' });
    expect(getToken).toHaveBeenCalledTimes(1);
  });

  const inAnHour = (): string => String(Math.floor(Date.now() / 1_000) + 3_600);

  it.each<[string, () => object]>([
    ['an end beside a life of null', () => ({ expires_in: null, expires_on: inAnHour() })],
    ['an end beside an empty life', () => ({ expires_in: '', expires_on: inAnHour() })],
    ['an end beside a life that is no number', () => ({ expires_in: 'x', expires_on: inAnHour() })],
    ['a life as a text', () => ({ expires_in: '3600' })],
  ])('keeps a token with %s', async (_, life) => {
    const access_token = fixture.fake.logins.accept('token');
    fixture.set({ interceptLogin: () => ({ status: 200, body: { access_token, ...life() } }) });
    const manager = fixture.manager();

    await manager.readSecret('API-KEY');
    await manager.readSecret('API-KEY');

    expect(logins()).toBe(1);
  });

  it.each([{}, { expires_in: null }, { expires_in: true }, { expires_in: [] }, { expires_on: '' }])(
    'is MALFORMED if the answer tells the life of the token as %j',
    async (life) => {
      const body = { access_token: 'token', ...life };
      fixture.set({ interceptLogin: () => ({ status: 200, body }) });

      const failed = await failureOf(fixture.manager().readSecret('API-KEY'));

      expect(failed.code).toBe('MALFORMED');
    },
  );

  it('happens again after a refused token', async () => {
    const manager = fixture.manager();
    await manager.readSecret('API-KEY');
    fixture.fake.logins.revokeTokens();

    await expect(manager.readSecret('API-KEY')).resolves.toMatchObject({ value: 'value' });
    expect(logins()).toBe(2);
  });

  it('does not loop if it gives the same token again', async () => {
    fixture.set({ repeatsToken: true });
    const auth = { method: 'managed-identity', endpoint: fixture.fake.url } as const;
    fixture.fake.fail('unauthenticated');

    const failed = await failureOf(fixture.manager({ auth }).readSecret('API-KEY'));

    expect(failed.code).toBe('UNAUTHENTICATED');
    expect([logins(), fixture.fake.asked.length]).toEqual([2, 1]);
  });

  it('never follows a challenge, and reports one for another resource', async () => {
    fixture.set({ resource: 'https://managedhsm.azure.net' });
    fixture.fake.fail('unauthenticated');

    const failed = await failureOf(fixture.manager().readSecret('API-KEY'));

    expect(failed.code).toBe('MISCONFIGURED');
    expect(failed.message).toContain('https://vault.azure.net');
    expect([logins(), fixture.fake.asked.length]).toEqual([1, 1]);
  });

  it.each<[string, number, unknown, string]>([
    [
      'a wrong secret',
      401,
      { error: 'invalid_client', error_description: 'AADSTS7000215: canary-of-a-login' },
      'UNAUTHENTICATED',
    ],
    [
      'an expired secret',
      401,
      { error: 'invalid_client', error_description: 'AADSTS7000222: canary-of-a-login' },
      'UNAUTHENTICATED',
    ],
    ['an unknown tenant', 400, { error: 'invalid_request' }, 'UNAUTHENTICATED'],
    ['a busy service', 429, { error: 'throttled' }, 'THROTTLED'],
    ['a broken service', 503, 'canary-of-a-login', 'UNAVAILABLE'],
    ['a web page', 200, '<html>canary-of-a-login</html>', 'MALFORMED'],
    ['another service', 404, '<html>canary-of-a-login</html>', 'MISCONFIGURED'],
    ['a redirect', 302, 'canary-of-a-login', 'MISCONFIGURED'],
  ])('fails at %s without a word of the answer', async (_, status, body, code) => {
    fixture.set({ interceptLogin: () => ({ status, body }) });

    const failed = await failureOf(fixture.manager().readSecret('API-KEY'));

    expect(failed.code).toBe(code);
    expect(leaks(everythingOf(failed), 'canary-of-a-login')).toBe(false);
    expect(fixture.fake.asked).toEqual([]);
  });

  it.each([
    [404, 'UNAVAILABLE'],
    [410, 'UNAVAILABLE'],
    [429, 'THROTTLED'],
    [500, 'UNAVAILABLE'],
    [400, 'UNAUTHENTICATED'],
  ])('fails at the status %d of a metadata service with %s', async (status, code) => {
    fixture.set({ interceptLogin: () => ({ status, body: '' }) });
    const auth = { method: 'managed-identity', endpoint: fixture.fake.url } as const;

    const failed = await failureOf(fixture.manager({ auth }).readSecret('API-KEY'));

    expect(failed.code).toBe(code);
  });

  it.each<[string, string]>([
    ['https://a.vault.azure.net', 'https://vault.azure.net'],
    ['https://a.vault.azure.cn', 'https://vault.azure.cn'],
    ['https://a.vault.usgovcloudapi.net', 'https://vault.usgovcloudapi.net'],
    ['https://a.example', 'https://vault.azure.net'],
  ])('to %s is for %s', (vaultUrl, resource) => {
    expect(azureLogin('test', { vaultUrl, auth: BY_SECRET }, {}).resource).toBe(resource);
  });

  it.each([
    'Bearer authorization="https://evil.example", resource=https://evil.example',
    'Bearer authorization="https://evil.example", scope="https://evil.example/.default"',
    'PoP nonce="x", Bearer authorization="https://evil.example", resource="https://evil.example"',
  ])('is not repeated for the challenge %s', async (challenge) => {
    const refusal = { status: 401, headers: { 'www-authenticate': challenge } };
    fixture.set({ intercept: () => refusal });

    const failed = await failureOf(fixture.manager().readSecret('API-KEY'));

    expect([failed.code, logins()]).toEqual(['MISCONFIGURED', 1]);
  });

  it('takes the cloud of a trusted host from the login service of a pod', () => {
    const auth = { method: 'workload-identity', ...IDS, tokenFile: '/token' } as const;
    const environment = { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.us/' };

    const { resource } = azureLogin('test', { vaultUrl: 'https://a.example', auth }, environment);

    expect(resource).toBe('https://vault.usgovcloudapi.net');
  });

  it('uses the login service of the cloud', () => {
    const options = { vaultUrl: 'https://a.vault.azure.cn', auth: BY_SECRET };
    const steps = azureLogin('test', options, {}).login.logIn();

    expect(steps.next().value).toMatchObject({
      url: `https://login.partner.microsoftonline.cn/${IDS.tenantId}/oauth2/v2.0/token`,
      body: expect.stringContaining('scope=https%3A%2F%2Fvault.azure.cn%2F.default'),
    });
  });

  it('asks metadata services for another token 225 s before the end', () => {
    const options = {
      vaultUrl: 'https://a.example',
      auth: { method: 'managed-identity' },
    } as const;

    const { login, metadataOrigin } = azureLogin('test', options, {});

    expect(login.renewBeforeEndMs).toBe(225_000);
    expect(metadataOrigin).toBe('http://169.254.169.254');
  });
});
