import { AzureKeyVaultSecretManager } from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import { failureOf } from '../../support/failure-of';
import { OutsideAzureKeyVault } from '../../support/outside-azure-key-vault';
import { BY_SECRET } from './fixture';

describe('a synchronous read of the manager for Azure Key Vault', () => {
  const outside = new OutsideAzureKeyVault();
  let manager: AzureKeyVaultSecretManager;

  const managerWith = (options: object = {}): AzureKeyVaultSecretManager =>
    (manager = new AzureKeyVaultSecretManager({
      vaultUrl: outside.url,
      trustedHosts: [outside.host],
      authorityHost: outside.url,
      auth: BY_SECRET,
      ...options,
    }));

  beforeAll(() => outside.start());
  afterAll(() => outside.stop());

  beforeEach(async () => {
    await outside.call('reset');
    await outside.call('seed', 'API-KEY', 'value');
    await outside.call('seed', 'OFF', 'value', { attributes: { enabled: false } });
  });

  afterEach(() => manager.close());

  it('returns what an asynchronous read returns', async () => {
    managerWith();

    const answers = [manager.readSecretSync('API-KEY'), await manager.readSecret('API-KEY')];

    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toMatchObject({ value: 'value' });
  });

  it('returns undefined for a missing secret, and throws for a disabled one', async () => {
    managerWith();

    const missing = manager.readSecretSync('ABSENT');
    const disabled = await failureOf(() => manager.readSecretSync('OFF'));

    expect([missing, disabled.code]).toEqual([undefined, 'NOT_FOUND']);
  });

  it('refuses a wrong name and wrong params', async () => {
    managerWith();

    const failures = [
      await failureOf(() => manager.readSecretSync('API_KEY')),
      await failureOf(() => manager.readSecretSync('API-KEY', { params: { version: '1' } })),
    ];

    expect(failures.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
  });

  it('logs in by a metadata service', () => {
    managerWith({ auth: { method: 'managed-identity', endpoint: outside.url } });

    expect(manager.readSecretSync('API-KEY')?.value).toBe('value');
  });

  it('uses the last token of a credential object, and is UNSUPPORTED without one', async () => {
    const other = managerWith();
    await other.readSecret('API-KEY'); // makes the vault accept its first token
    await other.close();
    const token = 'canary-access-token-1';
    const getToken = async () => ({ token, expiresOnTimestamp: Date.now() + 60_000 });
    managerWith({ auth: { getToken } });

    const before = await failureOf(() => manager.readSecretSync('API-KEY'));
    await manager.readSecret('API-KEY');

    expect(before.code).toBe('UNSUPPORTED');
    expect(manager.readSecretSync('API-KEY')?.value).toBe('value');
  });
});
