import { failureOf } from '../support/failure-of';
import { startOpenBao, type OpenBao } from './support/openbao';
import { startTeamApp, type TeamApp, type TeamAppOptions } from './support/team-app';

describe('reading from OpenBao with the manager of the team', () => {
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

  it('returns the value of the store, and not of the environment', async () => {
    await start({ variables: { HELD: 'of the environment' } });
    await bao.put('HELD', 'of the store');

    const value = await app.secrets.get('HELD');

    expect(value).toBe('of the store');
  });

  it('returns every text unchanged', async () => {
    await start();
    const texts = ['', 'null', '12345', ' {"a": 1}\n', 'ключ \u{1f511}', 'x'.repeat(100_000)];
    await Promise.all(texts.map((text, index) => bao.put(`TEXT_${index}`, text)));

    const values = await Promise.all(texts.map((_, index) => app.secrets.get(`TEXT_${index}`)));

    expect(values).toEqual(texts);
  });

  it('reads the environment for a secret that the store lacks', async () => {
    await start({ variables: { ONLY_THERE: 'of the environment' } });

    const value = await app.secrets.get('ONLY_THERE');

    expect(value).toBe('of the environment');
  });

  it('returns undefined if both lack the secret', async () => {
    await start();

    const value = await app.secrets.get('NOWHERE');

    expect(value).toBeUndefined();
  });

  it('names the store and the environment if a required secret is missing', async () => {
    await start();

    const failure = await failureOf(app.secrets.getOrThrow('NOWHERE'));

    expect(failure).toMatchObject({
      code: 'NOT_FOUND',
      message: 'The secret "NOWHERE" was not found: neither team-store nor the environment has it.',
    });
  });

  it('treats a secret with a deleted last version as absent', async () => {
    await start({ variables: { DELETED: 'of the environment' } });
    await bao.put('DELETED', 'of the store');
    await bao.expect('DELETE', 'secret/data/DELETED');

    const value = await app.secrets.get('DELETED');

    expect(value).toBe('of the environment');
  });

  it('treats a secret with a destroyed last version as absent', async () => {
    await start();
    await bao.put('DESTROYED', 'of the store');
    await bao.expect('PUT', 'secret/destroy/DESTROYED', { versions: [1] });

    const value = await app.secrets.get('DESTROYED');

    expect(value).toBeUndefined();
  });

  it('treats a version without data as absent', async () => {
    await start();
    await bao.expect('POST', 'secret/data/WITHOUT_DATA', { data: null });

    const value = await app.secrets.get('WITHOUT_DATA');

    expect(value).toBeUndefined();
  });

  it('refuses a secret in another form, and quotes nothing of it', async () => {
    await start({ variables: { PAIR: 'of the environment' } });
    await bao.expect('POST', 'secret/data/PAIR', { data: { password: 'hunter-of-canaries' } });

    const failure = await failureOf(app.secrets.get('PAIR'));

    expect(failure).toMatchObject({ code: 'MALFORMED', secretName: 'PAIR' });
    expect(String(failure)).not.toContain('hunter');
  });

  it('does not treat a missing mount as an absence', async () => {
    await start({ mount: 'nowhere', variables: { ANY: 'of the environment' } });

    const failure = await failureOf(app.secrets.get('ANY'));

    expect(failure).toMatchObject({ code: 'NOT_FOUND', operation: 'readSecret' });
  });

  it('reports a denial, without a fallback to the environment', async () => {
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

  it('reports an unknown token, without a fallback to the environment', async () => {
    const variables = { ANY: 'of the environment' };
    await start({ token: 's.unknown', fallback: 'on-unavailable', variables });

    const failure = await failureOf(app.secrets.get('ANY'));

    expect(failure).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'STORE_TOKEN is refused. Renew it.',
    });
  });

  it('drops its cached values when its token is revoked', async () => {
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

  it('reads many at once, and one denial does not affect the others', async () => {
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

  it('sees an outside change at the next call to the store', async () => {
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
