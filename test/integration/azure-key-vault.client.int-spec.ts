import { SecretClient } from '@azure/keyvault-secrets';
import { FakeAzureKeyVault } from '../support/fake-azure-key-vault';
import { selfSigned } from './support/self-signed';

const POLLS = { intervalInMs: 20 };

/** Microsoft's own client judges the fake that the driver is tested on. */
describe('@azure/keyvault-secrets, on the fake of Azure Key Vault,', () => {
  const tls = selfSigned('vault');
  const fake = new FakeAzureKeyVault({ tls, deletionMs: 100, recoveryMs: 100 });
  let client: SecretClient;
  let scopes: unknown[];

  beforeAll(() => fake.start());
  afterAll(() => fake.stop());

  beforeEach(() => {
    fake.reset();
    scopes = [];
    const token = fake.logins.accept('of-the-client');
    const credential = {
      getToken: async (asked: string | string[]) => {
        scopes.push(asked);
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    client = new SecretClient(fake.url, credential, {
      serviceVersion: '7.4',
      disableChallengeResourceVerification: true, // the fake has no host of Azure
      retryOptions: { maxRetries: 0 },
      tlsOptions: { ca: tls.cert },
    });
  });

  it('follows the challenge, creates and reads', async () => {
    const created = await client.setSecret('API-KEY', 'value', {
      contentType: 'text/plain',
      tags: { team: 'a' },
      expiresOn: new Date(2_000_000_000_000),
    });
    const read = await client.getSecret('API-KEY');

    expect(scopes.flat()).toContain('https://vault.azure.net/.default');
    expect(read).toMatchObject({
      name: 'API-KEY',
      value: 'value',
      properties: {
        version: created.properties.version,
        contentType: 'text/plain',
        tags: { team: 'a' },
        enabled: true,
        expiresOn: new Date(2_000_000_000_000),
        recoverableDays: 7,
      },
    });
  });

  it('reads a version, and lists all over pages', async () => {
    const { properties } = await client.setSecret('API-KEY', 'value 0');
    for (let count = 1; count < 30; count++) await client.setSecret('API-KEY', `value ${count}`);

    const first = await client.getSecret('API-KEY', { version: properties.version });
    const versions = [];
    for await (const version of client.listPropertiesOfSecretVersions('API-KEY')) {
      versions.push(version.version);
    }

    expect(first.value).toBe('value 0');
    expect([new Set(versions).size, versions.at(-1)]).toEqual([30, properties.version]);
  });

  it('fails with 404 for a missing secret, and with 403 for a denied one', async () => {
    await expect(client.getSecret('ABSENT')).rejects.toMatchObject({
      statusCode: 404,
      code: 'SecretNotFound',
    });
    fake.fail('denied');

    await expect(client.getSecret('ABSENT')).rejects.toMatchObject({
      statusCode: 403,
      code: 'Forbidden',
    });
  });

  it('disables a secret, which cannot be read then', async () => {
    const { properties } = await client.setSecret('API-KEY', 'value');
    await client.updateSecretProperties('API-KEY', String(properties.version), { enabled: false });

    const failed = await client.getSecret('API-KEY').catch((error: unknown) => error);

    expect(failed).toMatchObject({ statusCode: 403 });
    expect(JSON.stringify(failed)).toContain('SecretDisabled');
  });

  it('deletes, recovers, deletes again and purges', async () => {
    await client.setSecret('API-KEY', 'value');
    const deletion = await client.beginDeleteSecret('API-KEY', POLLS);
    const deleted = await deletion.pollUntilDone();
    const conflict = await client.setSecret('API-KEY', 'new').catch((error: unknown) => error);
    const recovery = await client.beginRecoverDeletedSecret('API-KEY', POLLS);
    await recovery.pollUntilDone();
    const recovered = await client.getSecret('API-KEY');
    await (await client.beginDeleteSecret('API-KEY', POLLS)).pollUntilDone();
    await client.purgeDeletedSecret('API-KEY');

    expect(deleted.name).toBe('API-KEY');
    expect(deleted.properties.recoveryId).toContain('/deletedsecrets/API-KEY');
    expect(conflict).toMatchObject({ statusCode: 409, code: 'Conflict' });
    expect(recovered.value).toBe('value');
    await expect(client.getDeletedSecret('API-KEY')).rejects.toMatchObject({ statusCode: 404 });
    await expect(client.setSecret('API-KEY', 'newest')).resolves.toMatchObject({ value: 'newest' });
  });

  it('fails with 429 if the vault is throttled', async () => {
    fake.fail('throttled');

    await expect(client.getSecret('API-KEY')).rejects.toMatchObject({ statusCode: 429 });
  });
});
