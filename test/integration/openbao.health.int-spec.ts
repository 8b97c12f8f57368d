import { startSealableOpenBao, type SealableOpenBao } from './support/openbao';
import { startTeamApp, type TeamApp } from './support/team-app';

describe('the health of an application on OpenBao', () => {
  let bao: SealableOpenBao;
  let app: TeamApp;

  beforeEach(async () => {
    bao = await startSealableOpenBao();
    await bao.put('HELD', 'a canary that no health check may sing of');
    app = await startTeamApp({ address: bao.address, token: bao.rootToken, preload: ['HELD'] });
  });

  afterEach(async () => {
    await app.close();
    await bao.stop();
  });

  it('is good while the store serves', async () => {
    const { status, body } = await app.get('/health');

    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'ok',
      details: { secrets: { status: 'up', manager: 'team-store', secrets: { fresh: 1 } } },
    });
  });

  it('is bad, with a code, while the store is sealed, and good again afterwards', async () => {
    await bao.seal();
    const sealed = await app.get('/health');
    await bao.unseal();
    const unsealed = await app.get('/health');

    expect(sealed.status).toBe(503);
    expect(sealed.body).toMatchObject({
      status: 'error',
      error: { secrets: { status: 'down', code: 'UNAVAILABLE' } },
    });
    expect(unsealed.status).toBe(200);
  });

  it('is bad, with a code, without a store', async () => {
    await bao.stop();

    const { status, body } = await app.get('/health');

    expect(status).toBe(503);
    expect(body).toMatchObject({ error: { secrets: { status: 'down', code: 'UNAVAILABLE' } } });
  });

  it('does not affect liveness, whatever the store does', async () => {
    await bao.seal();
    const sealed = await app.get('/health/live');
    await bao.stop();
    const stopped = await app.get('/health/live');

    expect([sealed.status, stopped.status]).toEqual([200, 200]);
  });

  it('shows only states, counts, ages and codes', async () => {
    await bao.seal();

    const { text } = await app.get('/health');

    expect(text).not.toMatch(/canary|HELD|127\.0\.0\.1/);
    expect(text).not.toContain(bao.rootToken);
  });
});
