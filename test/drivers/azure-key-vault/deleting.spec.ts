import { failureOf } from '../../support/failure-of';
import { forbidden } from '../../support/fake-azure-key-vault';
import { Fixture } from './fixture';

const DAY_MS = 86_400_000;

describe('a deletion of the manager for Azure Key Vault', () => {
  let fixture: Fixture;

  beforeEach(async () => {
    fixture = await new Fixture({ deletionMs: 50, recoverableDays: 30 }).start();
    fixture.fake.seed('API-KEY', 'value', { tags: { team: 'a' } });
  });

  afterEach(() => fixture.close());

  it('tells when the vault removes the secret', async () => {
    const metadata = await fixture.manager().deleteSecret('API-KEY');

    const days = (Number(metadata?.deletionAt) - Date.now()) / DAY_MS;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThan(30.1);
    expect(fixture.fake.asked).toEqual(['DELETE /secrets/API-KEY']);
  });

  it('takes a shorter window than that of the vault, and tells the real one', async () => {
    const metadata = await fixture.manager().deleteSecret('API-KEY', { recoveryWindowInDays: 10 });

    expect((Number(metadata?.deletionAt) - Date.now()) / DAY_MS).toBeCloseTo(30, 0);
  });

  it('refuses a longer window than that of the vault, and deletes nothing', async () => {
    const manager = fixture.manager();

    const failed = await failureOf(manager.deleteSecret('API-KEY', { recoveryWindowInDays: 31 }));

    expect(failed).toMatchObject({ code: 'UNSUPPORTED', secretName: 'API-KEY' });
    await expect(manager.readSecret('API-KEY')).resolves.toMatchObject({ value: 'value' });
  });

  it.each([-1, 1.5, Number.NaN])('refuses a window of %d days', async (recoveryWindowInDays) => {
    const deleted = fixture.manager().deleteSecret('API-KEY', { recoveryWindowInDays });

    await expect(failureOf(deleted)).resolves.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(fixture.fake.asked).toEqual([]);
  });

  it('purges for a window of 0 days, when the deletion is done', async () => {
    const metadata = await fixture.manager().deleteSecret('API-KEY', { recoveryWindowInDays: 0 });

    expect(metadata).toEqual({});
    expect(fixture.fake.current('API-KEY')).toBeUndefined();
    expect(fixture.fake.asked.slice(0, 2)).toEqual([
      'DELETE /secrets/API-KEY',
      'DELETE /deletedsecrets/API-KEY',
    ]);
  });

  it('purges a secret that was deleted before', async () => {
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');

    await manager.deleteSecret('API-KEY', { recoveryWindowInDays: 0 });

    expect(fixture.fake.current('API-KEY')).toBeUndefined();
  });

  it('fails with UNKNOWN if the secret is deleted, and may not be purged', async () => {
    fixture.set({ isPurgeForbidden: true });
    const manager = fixture.manager();

    const failed = await failureOf(manager.deleteSecret('API-KEY', { recoveryWindowInDays: 0 }));

    expect(failed).toMatchObject({ code: 'UNKNOWN', causeCode: 'ACCESS_DENIED' });
    expect(failed.message).toContain('deleted, and not purged');
    await expect(manager.readSecret('API-KEY')).resolves.toBeUndefined();
  });

  it('fails with UNKNOWN if the deletion is not done before the deadline', async () => {
    fixture.set({ deletionMs: 60_000 });
    const options = { recoveryWindowInDays: 0, timeoutMs: 300 };

    const failed = await failureOf(fixture.manager().deleteSecret('API-KEY', options));

    expect(failed).toMatchObject({ code: 'UNKNOWN', causeCode: 'TIMEOUT' });
  });

  it('does not fail for a missing secret', async () => {
    const manager = fixture.manager();

    const answers = [
      await manager.deleteSecret('ABSENT'),
      await manager.deleteSecret('ABSENT', { recoveryWindowInDays: 0 }),
      await manager.deleteSecret('ABSENT', { recoveryWindowInDays: 7 }),
    ];

    expect(answers).toEqual([{}, {}, {}]);
  });

  it('deletes a disabled secret', async () => {
    fixture.fake.enable('API-KEY', false);

    await fixture.manager().deleteSecret('API-KEY');

    await expect(fixture.manager().readSecret('API-KEY')).resolves.toBeUndefined();
  });

  it('waits until a recovery is done', async () => {
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    fixture.set({ recoveryMs: 80, recoveredMs: 80 });
    await manager.writeSecret('API-KEY', 'new');
    fixture.set({ deletionMs: 0, recoveredMs: 300 });

    await manager.deleteSecret('API-KEY');

    await expect(manager.readSecret('API-KEY')).resolves.toBeUndefined();
  });

  it('deletes with a window although the login may not read', async () => {
    fixture.set({ intercept: ({ method }) => (method === 'GET' ? forbidden() : undefined) });

    const metadata = await fixture.manager().deleteSecret('API-KEY', { recoveryWindowInDays: 90 });

    expect((Number(metadata?.deletionAt) - Date.now()) / DAY_MS).toBeCloseTo(30, 0);
  });
});
