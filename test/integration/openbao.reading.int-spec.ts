import { failureOf } from '../support/failure-of';
import { startOpenBao, type OpenBao } from './support/openbao';
import { startTeamApp, type TeamApp, type TeamAppOptions } from './support/team-app';

describe('reading from OpenBao with a manager of the team', () => {
  let bao: OpenBao;
  let app: TeamApp;

  beforeAll(async () => {
    bao = await startOpenBao();
  });

  afterEach(() => app.close());

  afterAll(() => bao.stop());

  const start = async (options: Partial<TeamAppOptions> = {}) => {
    app = await startTeamApp({ address: bao.address, token: bao.rootToken, ...options });
  };

  it('answers with what the store holds, and not with the environment', async () => {
    await start({ variables: { HELD: 'of the environment' } });
    await bao.put('HELD', 'of the store');

    const value = await app.secrets.get('HELD');

    expect(value).toBe('of the store');
  });

  it('answers with every text as it is', async () => {
    await start();
    const texts = ['', 'null', '12345', ' {"a": 1}\n', 'ключ \u{1f511}', 'x'.repeat(100_000)];
    await Promise.all(texts.map((text, index) => bao.put(`TEXT_${index}`, text)));

    const values = await Promise.all(texts.map((_, index) => app.secrets.get(`TEXT_${index}`)));

    expect(values).toEqual(texts);
  });

  it('asks the environment for what the store does not have', async () => {
    await start({ variables: { ONLY_THERE: 'of the environment' } });

    const value = await app.secrets.get('ONLY_THERE');

    expect(value).toBe('of the environment');
  });

  it('answers undefined for what neither of them has', async () => {
    await start();

    const value = await app.secrets.get('NOWHERE');

    expect(value).toBeUndefined();
  });

  it('names the store and the environment if a secret must be there, and is not', async () => {
    await start();

    const failure = await failureOf(app.secrets.getOrThrow('NOWHERE'));

    expect(failure).toMatchObject({
      code: 'NOT_FOUND',
      message: 'The secret "NOWHERE" was not found: neither team-store nor the environment has it.',
    });
  });

  it('takes a secret whose last version was deleted for absent', async () => {
    await start({ variables: { DELETED: 'of the environment' } });
    await bao.put('DELETED', 'of the store');
    await bao.expect('DELETE', 'secret/data/DELETED');

    const value = await app.secrets.get('DELETED');

    expect(value).toBe('of the environment');
  });

  it('takes a secret whose last version was destroyed for absent', async () => {
    await start();
    await bao.put('DESTROYED', 'of the store');
    await bao.expect('PUT', 'secret/destroy/DESTROYED', { versions: [1] });

    const value = await app.secrets.get('DESTROYED');

    expect(value).toBeUndefined();
  });

  it('takes a version that was written without data for absent', async () => {
    await start();
    await bao.expect('POST', 'secret/data/WITHOUT_DATA', { data: null });

    const value = await app.secrets.get('WITHOUT_DATA');

    expect(value).toBeUndefined();
  });

  it('refuses a secret that is kept in another form, and quotes nothing of it', async () => {
    await start({ variables: { PAIR: 'of the environment' } });
    await bao.expect('POST', 'secret/data/PAIR', { data: { password: 'hunter-of-canaries' } });

    const failure = await failureOf(app.secrets.get('PAIR'));

    expect(failure).toMatchObject({ code: 'MALFORMED', secretName: 'PAIR' });
    expect(String(failure)).not.toContain('hunter');
  });

  it('does not take a mount that is missing for an absence', async () => {
    await start({ mount: 'nowhere', variables: { ANY: 'of the environment' } });

    const failure = await failureOf(app.secrets.get('ANY'));

    expect(failure).toMatchObject({ code: 'NOT_FOUND', operation: 'readSecret' });
  });

  it('reports a denial, and does not ask the environment instead', async () => {
    const token = await bao.tokenFor({ 'secret/data/ALLOWED': ['read'] });
    await start({ token, fallback: 'on-unavailable', variables: { DENIED: 'of the environment' } });
    await bao.put('DENIED', 'of the store');
    await bao.put('ALLOWED', 'of the store');

    const allowed = await app.secrets.get('ALLOWED');
    const failure = await failureOf(app.secrets.get('DENIED'));

    expect(allowed).toBe('of the store');
    expect(failure).toMatchObject({
      code: 'ACCESS_DENIED',
      secretName: 'DENIED',
      retryable: false,
    });
  });

  it('reports a token that the store does not know, and does not ask the environment instead', async () => {
    const variables = { ANY: 'of the environment' };
    await start({ token: 's.unknown', fallback: 'on-unavailable', variables });

    const failure = await failureOf(app.secrets.get('ANY'));

    expect(failure).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'STORE_TOKEN is refused. Renew it.',
    });
  });

  it('drops what it holds when its token turns out to be revoked', async () => {
    const token = await bao.tokenFor({ 'secret/data/*': ['read'] });
    await start({ token });
    await bao.put('HELD', 'of the store');
    await app.secrets.get('HELD');

    await bao.revoke(token);
    const ofRefresh = await failureOf(app.secrets.refresh('HELD'));
    const ofRead = await failureOf(app.secrets.get('HELD'));

    expect([ofRefresh, ofRead]).toMatchObject([
      { code: 'UNAUTHENTICATED' },
      { code: 'UNAUTHENTICATED' },
    ]);
  });

  it('reads many at once, and does not lose the others to one that is denied', async () => {
    const token = await bao.tokenFor({
      'secret/data/*': ['read'],
      'secret/data/DENIED': ['deny'],
    });
    await start({ token });
    await bao.put('ONE', '1');
    await bao.put('TWO', '2');
    await bao.put('DENIED', '3');

    const outcomes = await app.secrets.getMany(['ONE', 'DENIED', 'TWO', 'NOWHERE']);

    expect(outcomes).toEqual(
      new Map<string, unknown>([
        ['ONE', { value: '1' }],
        ['DENIED', { error: expect.objectContaining({ code: 'ACCESS_DENIED' }) }],
        ['TWO', { value: '2' }],
        ['NOWHERE', { absent: true }],
      ]),
    );
  });

  it('sees a value that was changed behind its back when it reads anew', async () => {
    await start();
    await bao.put('CHANGED', 'old');
    await app.secrets.get('CHANGED');
    await bao.put('CHANGED', 'new');

    const cached = await app.secrets.get('CHANGED');
    const anew = await app.secrets.get('CHANGED', { maxAgeMs: 0 });

    expect([cached, anew]).toEqual(['old', 'new']);
    expect(app.secrets.inspect()).toMatchObject([
      { name: 'CHANGED', state: 'fresh', version: '2' },
    ]);
  });
});
