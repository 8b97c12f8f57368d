import { failureOf } from '../support/failure-of';
import { eventually } from './support/eventually';
import {
  startOpenBao,
  startSealableOpenBao,
  type OpenBao,
  type SealableOpenBao,
} from './support/openbao';
import { startTeamApp, type TeamApp, type TeamAppOptions } from './support/team-app';

const QUICK = {
  retry: { baseDelayMs: 10 },
  circuitBreaker: { resetAfterMs: 50 },
  cache: { ttlMs: 1 },
} as const;

describe('an application whose OpenBao is sealed', () => {
  let bao: SealableOpenBao;
  let app: TeamApp | undefined;

  beforeAll(async () => {
    bao = await startSealableOpenBao();
    await bao.put('HELD', 'of the store');
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await bao.unseal();
  });

  afterAll(() => bao.stop());

  const start = async (options: Partial<TeamAppOptions> = {}): Promise<TeamApp> => {
    app = await startTeamApp({ address: bao.address, token: bao.rootToken, ...QUICK, ...options });
    return app;
  };

  it('gets UNAVAILABLE, whatever the environment holds', async () => {
    const { secrets } = await start({ variables: { HELD: 'of the environment' } });
    await bao.seal();

    const failure = await failureOf(secrets.get('HELD'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', secretName: 'HELD', retryable: true });
  });

  it('uses its environment if allowed, warns once, and returns to the store', async () => {
    const variables = { HELD: 'of the environment' };
    const { secrets, log } = await start({ fallback: 'on-unavailable', cache: false, variables });
    await bao.seal();

    const values = [await secrets.get('HELD'), await secrets.get('HELD')];
    await bao.unseal();
    await eventually('the store answers', async () => {
      return (await secrets.get('HELD')) === 'of the store';
    });

    expect(values).toEqual(['of the environment', 'of the environment']);
    expect(log.warnings.filter((line) => line.includes('comes from the environment'))).toHaveLength(
      1,
    );
    expect(log.warnings.filter((line) => line.includes('answers for "HELD" again'))).toHaveLength(
      1,
    );
  });

  it('does not start without the secrets that it needs at start', async () => {
    await bao.seal();

    const failure = await failureOf(start({ preload: ['HELD'], timeoutMs: 500 }));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', operation: 'preload' });
  });

  it('starts as soon as the store is unsealed', async () => {
    await bao.seal();

    const starting = start({ preload: ['HELD'] });
    await bao.unseal();
    const { secrets } = await starting;

    expect(secrets.inspect()).toMatchObject([{ name: 'HELD' }]);
  });
});

describe('an application whose OpenBao stops', () => {
  let bao: OpenBao;
  let app: TeamApp;

  beforeEach(async () => {
    bao = await startOpenBao();
    await bao.put('HELD', 'of the store');
    await bao.put('OTHER', 'of the store');
  });

  afterEach(async () => {
    await app.close();
    await bao.stop();
  });

  const start = async (options: Partial<TeamAppOptions> = {}): Promise<void> => {
    app = await startTeamApp({ address: bao.address, token: bao.rootToken, ...QUICK, ...options });
  };

  it('is served cached values beyond their time, marked as stale', async () => {
    await start();
    await app.secrets.get('HELD');
    await bao.stop();

    await failureOf(app.secrets.refresh('HELD'));
    const value = await app.secrets.get('HELD');

    expect(value).toBe('of the store');
    expect(app.secrets.inspect()).toMatchObject([{ name: 'HELD', state: 'stale' }]);
  });

  it('gets the failure for an uncached secret', async () => {
    await start({ variables: { OTHER: 'of the environment' } });
    await app.secrets.get('HELD');
    await bao.stop();

    const failure = await failureOf(app.secrets.get('OTHER'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', secretName: 'OTHER' });
  });

  it('gets the failure for a read with maxAgeMs 0', async () => {
    await start();
    await app.secrets.get('HELD');
    await bao.stop();

    const failure = await failureOf(app.secrets.get('HELD', { maxAgeMs: 0 }));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('gets the failure for a write', async () => {
    await start();
    await bao.stop();

    const failure = await failureOf(app.secrets.set('NEW', 'value'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', operation: 'writeSecret' });
  });

  it('recovers when the store is back', async () => {
    await start();
    await app.secrets.get('HELD');
    await bao.stop();
    await failureOf(app.secrets.get('OTHER'));

    await bao.start();
    await bao.put('HELD', 'after the restart');

    await eventually('the new value is served', async () => {
      return (await app.secrets.get('HELD')) === 'after the restart';
    });
    expect(app.secrets.inspect()).toMatchObject([{ name: 'HELD', version: '1' }]);
  });

  it('waits no longer than its deadline for a hanging store', async () => {
    await start({ attemptTimeoutMs: 500, retry: false });
    await app.secrets.get('HELD');
    await bao.freeze();

    const startedAt = Date.now();
    const failure = await failureOf(app.secrets.get('OTHER'));
    const waitedMs = Date.now() - startedAt;

    expect(failure).toMatchObject({ code: 'TIMEOUT', secretName: 'OTHER' });
    expect(waitedMs).toBeLessThan(2_000);
  });

  it('keeps no connection to the store after shutdown', async () => {
    await start();
    await app.secrets.get('HELD');

    await app.close();

    const reading = app.manager.readSecret('HELD');
    await expect(reading).rejects.toMatchObject({ code: expect.stringMatching(/^UND_ERR_/) });
  });

  it('shuts down although the store does not answer', async () => {
    await start();
    await bao.freeze();
    const waiting = failureOf(app.secrets.get('OTHER'));

    await app.close();

    await expect(waiting).resolves.toMatchObject({ code: 'CANCELLED' });
    expect(app.log.warnings).toEqual([]);
  });
});
