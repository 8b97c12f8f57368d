import { SecretManagerModule, SecretsService } from 'nestjs-custom-secret-manager';
import { Test } from '@nestjs/testing';
import { failureOf } from '../../support/failure-of';
import { Fixture } from './fixture';

describe('mapped names of the manager for Azure Key Vault', () => {
  let fixture: Fixture;

  beforeEach(async () => {
    fixture = await new Fixture().start();
  });

  afterEach(() => fixture.close());

  it('are noted in the tag name, which is no tag of the user', async () => {
    const manager = fixture.manager({ mapName: 'dashes' });

    await manager.writeSecret('team/API_KEY.v1', 'value', { tags: { team: 'a' } });

    expect(fixture.fake.current('team-API-KEY-v1')?.tags).toEqual({
      team: 'a',
      name: 'team/API_KEY.v1',
    });
    await expect(manager.readSecret('team/API_KEY.v1')).resolves.toMatchObject({ value: 'value' });
    await expect(manager.describeSecret('team/API_KEY.v1')).resolves.toEqual({
      description: undefined,
      tags: { team: 'a' },
    });
  });

  it.each(['API.KEY', 'API-KEY', 'api_key'])(
    'do not let %s read, write or delete the secret of another name',
    async (name) => {
      const manager = fixture.manager({ mapName: 'dashes' });
      await manager.writeSecret('API_KEY', 'value');

      const failures = [
        await failureOf(manager.readSecret(name)),
        await failureOf(manager.describeSecret(name)),
        await failureOf(manager.writeSecret(name, 'other')),
        await failureOf(manager.writeSecret(name, 'other', { createOnly: true })),
        await failureOf(manager.deleteSecret(name)),
        await failureOf(manager.deleteSecret(name, { recoveryWindowInDays: 0 })),
      ];

      expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['INVALID_ARGUMENT']));
      await expect(manager.readSecret('API_KEY')).resolves.toMatchObject({ value: 'value' });
    },
  );

  it('do not let another name recover a deleted secret', async () => {
    const manager = fixture.manager({ mapName: 'dashes' });
    await manager.writeSecret('API_KEY', 'value');
    await manager.deleteSecret('API_KEY');

    const failed = await failureOf(manager.writeSecret('API.KEY', 'other'));

    expect(failed.code).toBe('INVALID_ARGUMENT');
    expect(fixture.fake.asked).not.toContain('POST /deletedsecrets/API-KEY/recover');
  });

  it('read a secret without the tag, as the portal creates it', async () => {
    fixture.fake.seed('API-KEY', 'value');

    const manager = fixture.manager({ mapName: 'dashes' });

    await expect(manager.readSecret('API_KEY')).resolves.toMatchObject({ value: 'value' });
  });

  it('keep the tag name for themselves', async () => {
    const manager = fixture.manager({ mapName: 'dashes' });

    const failed = await failureOf(manager.writeSecret('A', 'value', { tags: { name: 'x' } }));

    expect(failed.code).toBe('INVALID_ARGUMENT');
  });

  it('leave the tag name alone without mapName', async () => {
    const manager = fixture.manager();

    await manager.writeSecret('A', 'value', { tags: { name: 'x' } });

    await expect(manager.describeSecret('A')).resolves.toEqual({ tags: { name: 'x' } });
  });

  it('come from a function', async () => {
    const manager = fixture.manager({ mapName: (name) => `app-${name.replace(/_/g, '0')}` });

    await manager.writeSecret('API_KEY', 'value');

    expect(fixture.fake.current('app-API0KEY')?.value).toBe('value');
  });

  const start = (hostedKeys: string[], mapName?: 'dashes', storeVirtualKeys = false) =>
    Test.createTestingModule({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useValue: fixture.manager({ mapName }) },
          settings: { hostedKeys, storeVirtualKeys, accessMode: 'read_and_write' },
        }),
      ],
    }).compile();

  it.each<[string, string[], 'dashes' | undefined, boolean, RegExp]>([
    ['meet', ['API_KEY', 'API.KEY'], 'dashes', false, /the same secret/],
    ['differ by case only', ['API-KEY', 'api-key'], undefined, false, /the same secret/],
    ['do not fit', ['API_KEY'], undefined, false, /mapName/],
    ['are of virtual keys, without mapName', ['A'], undefined, true, /litellm\//],
  ])('that %s are MISCONFIGURED at start', async (_, names, mapName, storesKeys, text) => {
    const failed = await failureOf(start(names, mapName, storesKeys));

    expect(failed.code).toBe('MISCONFIGURED');
    expect(failed.message).toMatch(text);
  });

  it('refuse tags of the settings with which each write would fail', async () => {
    const settings = { accessMode: 'read_and_write' as const, tags: { name: 'x' } };
    const manager = { useValue: fixture.manager({ mapName: 'dashes' }) };
    const imports = [SecretManagerModule.forRoot({ manager, settings })];

    const failed = await failureOf(Test.createTestingModule({ imports }).compile());

    expect(failed.code).toBe('MISCONFIGURED');
    expect(failed.message).toContain('"name"');
  });

  it('serve an application', async () => {
    const application = await start(['API_KEY'], 'dashes');
    const secrets = application.get(SecretsService);

    await secrets.set('API_KEY', 'value', { description: 'of the mail' });

    await expect(secrets.get('API_KEY')).resolves.toBe('value');
    await application.close();
  });
});
