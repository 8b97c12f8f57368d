import { failureOf } from '../support/failure-of';
import { startOpenBao, type OpenBao } from './support/openbao';
import { startTeamApp, type TeamApp, type TeamAppOptions } from './support/team-app';

describe('writing to OpenBao with the manager of the team', () => {
  let bao: OpenBao;
  const apps: TeamApp[] = [];

  beforeAll(async () => {
    bao = await startOpenBao();
  });

  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

  afterAll(() => bao.stop());

  const start = async (options: Partial<TeamAppOptions> = {}): Promise<TeamApp> => {
    const app = await startTeamApp({ address: bao.address, token: bao.rootToken, ...options });
    apps.push(app);
    return app;
  };

  it('stores a secret, and returns its version', async () => {
    const { secrets } = await start();

    const first = await secrets.set('NEW', 'one');
    const second = await secrets.set('NEW', 'two');

    expect([first, second]).toEqual([{ version: '1' }, { version: '2' }]);
    await expect(bao.valueOf('NEW')).resolves.toBe('two');
    await expect(secrets.get('NEW')).resolves.toBe('two');
  });

  it('refuses to create an existing secret, and keeps it unchanged', async () => {
    const { secrets } = await start();
    await bao.put('EXISTING', 'old');

    const failure = await failureOf(secrets.set('EXISTING', 'new', { createOnly: true }));

    expect(failure).toMatchObject({ code: 'CONFLICT', secretName: 'EXISTING' });
    await expect(bao.valueOf('EXISTING')).resolves.toBe('old');
  });

  it('creates a secret that was deleted', async () => {
    const { secrets } = await start();
    await secrets.set('PHOENIX', 'old');
    await secrets.delete('PHOENIX');

    const written = await secrets.set('PHOENIX', 'new', { createOnly: true });

    expect(written).toEqual({ version: '2' });
    await expect(bao.valueOf('PHOENIX')).resolves.toBe('new');
  });

  it('lets exactly one of several instances create a secret', async () => {
    const instances = await Promise.all([start(), start(), start()]);

    const outcomes = await Promise.allSettled(
      instances.map(({ secrets }, index) =>
        secrets.set('CONTESTED', `of ${index}`, { createOnly: true }),
      ),
    );

    const losses = outcomes.filter(({ status }) => status === 'rejected');
    expect(losses).toHaveLength(2);
    expect(losses).toMatchObject([
      { reason: { code: 'CONFLICT' } },
      { reason: { code: 'CONFLICT' } },
    ]);
    await expect(bao.valueOf('CONTESTED')).resolves.toBe(
      `of ${outcomes.findIndex(({ status }) => status === 'fulfilled')}`,
    );
  });

  it('deletes a secret so that it can be restored', async () => {
    const { secrets } = await start();
    await secrets.set('DELETED', 'value');

    await secrets.delete('DELETED');
    const afterwards = await secrets.get('DELETED');
    await bao.expect('POST', 'secret/undelete/DELETED', { versions: [1] });
    const restored = await secrets.get('DELETED', { maxAgeMs: 0 });

    expect([afterwards, restored]).toEqual([undefined, 'value']);
  });

  it('removes a secret completely without a recovery window', async () => {
    const { secrets } = await start();
    await secrets.set('GONE', 'value');

    await secrets.delete('GONE', { recoveryWindowInDays: 0 });

    await expect(bao.names()).resolves.not.toContain('GONE');
  });

  it('accepts the deletion of a missing secret', async () => {
    const { secrets } = await start();

    const deletion = await secrets.delete('NEVER_THERE');

    expect(deletion).toEqual({});
  });

  it('rotates a secret in place, for itself at once and for another instance at its next call to the store', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    await bao.put('ROTATED', 'old');
    const before = await Promise.all([one.secrets.get('ROTATED'), other.secrets.get('ROTATED')]);

    await one.secrets.rotate('ROTATED', { value: 'new' });
    const after = [await one.secrets.get('ROTATED'), await other.secrets.get('ROTATED')];
    await other.secrets.refresh('ROTATED');

    expect([before, after]).toEqual([
      ['old', 'old'],
      ['new', 'old'],
    ]);
    await expect(other.secrets.get('ROTATED')).resolves.toBe('new');
  });

  it('rotates a secret to another name, and deletes the old one', async () => {
    const { secrets } = await start();
    await bao.put('OLD_NAME', 'old');

    await secrets.rotate('OLD_NAME', { name: 'NEW_NAME', value: 'new' });

    const values = await Promise.all([bao.valueOf('OLD_NAME'), bao.valueOf('NEW_NAME')]);
    expect(values).toEqual([undefined, 'new']);
  });

  it('does not rotate a missing secret', async () => {
    const { secrets } = await start();

    const failure = await failureOf(secrets.rotate('MISSING', { value: 'new' }));

    expect(failure).toMatchObject({ code: 'NOT_FOUND' });
    await expect(bao.names()).resolves.not.toContain('MISSING');
  });

  it('reports how far an interrupted rotation came', async () => {
    const token = await bao.tokenFor({ 'secret/data/*': ['read', 'create', 'update'] });
    const { secrets } = await start({ token });
    await bao.put('KEPT', 'old');

    const failure = await failureOf(secrets.rotate('KEPT', { name: 'SUCCESSOR', value: 'new' }));

    expect(failure).toMatchObject({
      code: 'ROTATION_INCOMPLETE',
      done: ['written', 'verified'],
      causeCode: 'ACCESS_DENIED',
    });
    await expect(bao.valueOf('KEPT')).resolves.toBe('old');
  });

  it('reports a denied write, and keeps serving the cached value', async () => {
    const token = await bao.tokenFor({ 'secret/data/READ_ONLY': ['read'] });
    const { secrets } = await start({ token });
    await bao.put('READ_ONLY', 'old');
    await secrets.get('READ_ONLY');

    const failure = await failureOf(secrets.set('READ_ONLY', 'new'));

    expect(failure).toMatchObject({ code: 'ACCESS_DENIED', operation: 'writeSecret' });
    await expect(secrets.get('READ_ONLY')).resolves.toBe('old');
  });
});
