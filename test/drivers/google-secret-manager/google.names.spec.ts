import type { SecretManagerError } from 'nestjs-custom-secret-manager';
import { failureOf } from '../../support/failure-of';
import { thrownBy } from '../../support/thrown-by';
import { GoogleFixture } from './fixture';

describe('The name of a secret of Google', () => {
  const google = new GoogleFixture();

  beforeEach(() => google.start());
  afterEach(() => google.stop());

  it.each(['team/key', 'key.pem', 'a key', 'ä', 'x'.repeat(256), '', '..', 'a:access', 'a?b'])(
    '%p is INVALID_ARGUMENT without mapName, in every operation',
    async (name) => {
      const manager = google.manager();
      const calls = [
        () => manager.readSecret(name),
        () => manager.readSecretSync(name),
        () => manager.writeSecret(name, 'value'),
        () => manager.deleteSecret(name),
        () => manager.describeSecret(name),
      ];

      for (const call of calls) {
        const failure = await failureOf(call);
        expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: name });
      }
      expect(google.fake.requests).toEqual([]);
    },
  );

  it('is the ID if it fits', async () => {
    const name = `A-z_9${'x'.repeat(250)}`;
    google.fake.store.put(name, 'value');

    await expect(google.manager().readSecret(name)).resolves.toMatchObject({ value: 'value' });
  });

  describe('with mapName', () => {
    it('turns into an ID, and is noted by a write', async () => {
      const manager = google.manager({ mapName: 'dashes' });

      await manager.writeSecret('team/db_password.old', 'value', { tags: { stage: 'test' } });

      expect(google.fake.store.annotationsOf('team-db-password-old')).toEqual({
        name: 'team/db_password.old',
        stage: 'test',
      });
      await expect(manager.readSecret('team/db_password.old')).resolves.toMatchObject({
        value: 'value',
      });
      await expect(manager.describeSecret('team/db_password.old')).resolves.toEqual({
        tags: { stage: 'test' },
      });
    });

    it('may come from a function', async () => {
      const manager = google.manager({ mapName: (name) => `app-${name.replaceAll('/', '_')}` });

      await manager.writeSecret('team/key', 'value');

      expect(google.fake.store.versionsOf('app-team_key')).toBe(1);
    });

    it('is INVALID_ARGUMENT in every operation if the secret is that of another name', async () => {
      const manager = google.manager({ mapName: 'dashes' });
      await manager.writeSecret('team/key', 'value');
      const calls = [
        () => manager.readSecret('team.key'),
        () => manager.readSecret('team-key'),
        () => manager.writeSecret('team.key', 'mine'),
        () => manager.writeSecret('team.key', 'mine', { createOnly: true }),
        () => manager.deleteSecret('team.key'),
        () => manager.describeSecret('team.key'),
      ];

      const codes: string[] = [];
      for (const call of calls) codes.push((await failureOf(call)).code);

      expect(codes).toEqual(calls.map(() => 'INVALID_ARGUMENT'));
      await expect(manager.readSecret('team/key')).resolves.toMatchObject({ value: 'value' });
    });

    it('says which two names meet', async () => {
      const manager = google.manager({ mapName: 'dashes' });
      await manager.writeSecret('team/key', 'value');

      const { message } = await failureOf(manager.readSecret('team.key'));

      expect(message).toContain('"team.key" and "team/key" are both "team-key"');
    });

    it('accepts a secret that notes no name, and notes its own with a write', async () => {
      google.fake.store.put('team-key', 'of Terraform');
      const manager = google.manager({ mapName: 'dashes' });

      const before = await manager.readSecret('team/key');
      await manager.writeSecret('team/key', 'mine');

      expect(before).toMatchObject({ value: 'of Terraform' });
      expect(google.fake.store.annotationsOf('team-key')).toEqual({ name: 'team/key' });
    });

    it('is looked at once, because that has a small quota', async () => {
      google.fake.store.put('team-key', 'value');
      const manager = google.manager({ mapName: 'dashes' });

      for (let round = 0; round < 3; round++) await manager.readSecret('team/key');

      expect(google.fake.asked.filter((asked) => !asked.endsWith(':access'))).toEqual([
        'GET /v1/projects/p/secrets/team-key',
      ]);
    });

    it('reads on if the login may not look at the secret', async () => {
      google.fake.store.put('team-key', 'value');
      google.fake.fail('denied', ({ path }) => !path.endsWith(':access'));

      const manager = google.manager({ mapName: 'dashes' });

      await expect(manager.readSecret('team/key')).resolves.toMatchObject({ value: 'value' });
    });

    it('does not answer a value if it could not be looked at for another reason', async () => {
      google.fake.store.put('team-key', 'value');
      google.fake.fail('unavailable', ({ path }) => !path.endsWith(':access'));

      const manager = google.manager({ mapName: 'dashes' });

      await expect(manager.readSecret('team/key')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });

    it('is not looked at without mapName', async () => {
      google.fake.store.put('KEY', 'value');

      await google.manager().readSecret('KEY');

      expect(google.fake.asked).toHaveLength(1);
    });
  });

  describe('at start', () => {
    const FACTS = {
      secretNames: [],
      virtualKeyPrefix: undefined,
      fallback: 'on-absence',
      description: undefined,
      tags: undefined,
    } as const;

    it('is MISCONFIGURED if it cannot be an ID, with every such name', () => {
      const facts = { ...FACTS, secretNames: ['team/key', 'OK', 'a.b'] };

      const error = thrownBy(() => google.manager().validateRegistration(facts));

      expect((error as SecretManagerError).code).toBe('MISCONFIGURED');
      expect(String(error)).toMatch(/"team\/key"[\s\S]*"a\.b"/);
    });

    it('is MISCONFIGURED if it meets another one', () => {
      const facts = { ...FACTS, secretNames: ['team/key', 'team.key'] };
      const manager = google.manager({ mapName: 'dashes' });

      expect(() => manager.validateRegistration(facts)).toThrow('are the same secret');
    });

    it('may not come with tags that cannot be annotations', () => {
      const facts = { ...FACTS, tags: { 'cost center': '1', stage: 'test', name: 'x' } };

      const error = thrownBy(() => google.manager().validateRegistration(facts));

      expect((error as SecretManagerError).code).toBe('MISCONFIGURED');
      expect(String(error)).toMatch(/"cost center"[\s\S]*"name"/);
    });

    it('of virtual keys needs mapName', () => {
      const facts = { ...FACTS, virtualKeyPrefix: 'litellm/' };

      expect(() => google.manager().validateRegistration(facts)).toThrow('Virtual keys');
      expect(() => google.manager({ mapName: 'dashes' }).validateRegistration(facts)).not.toThrow();
    });
  });
});
