import { EnvironmentSecretManager } from 'nestjs-custom-secret-manager/drivers/environment';
import { failureOf } from '../support/failure-of';

describe('EnvironmentSecretManager', () => {
  it('refuses params, because it has neither versions nor tenants', async () => {
    const manager = new EnvironmentSecretManager({ environment: { KEY: 'value' } });
    const options = { params: { tenant: 'acme' } };

    const failures = [
      await failureOf(manager.readSecret('KEY', options)),
      await failureOf(() => manager.readSecretSync('KEY', options)),
    ];

    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(failure.message).toContain('"tenant"');
    }
  });

  it('ignores params without a value', async () => {
    const manager = new EnvironmentSecretManager({ environment: { KEY: 'value' } });

    const value = await manager.readSecret('KEY', { params: { tenant: undefined } });

    expect(value).toBe('value');
  });

  it.each([{ Prefix: 'APP_' }, { prefx: 'APP_', scrub: true }])(
    'refuses an option that does not exist: %j',
    async (options) => {
      const [unknown = ''] = Object.keys(options);

      const failure = await failureOf(() => new EnvironmentSecretManager(options));

      expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
      expect(failure.message).toContain(`"${unknown}" is not an option; there are prefix, scrub`);
    },
  );
});
