import { randomUUID } from 'node:crypto';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { startSealableOpenBao, type SealableOpenBao } from './support/openbao';
import { startTeamApp, type TeamApp, type TeamAppOptions } from './support/team-app';

const QUICK = { retry: false, attemptTimeoutMs: 200 } as const;

describe('the visible part of secrets and tokens', () => {
  let bao: SealableOpenBao;
  let app: TeamApp;
  let token: string;
  const value = `value-${randomUUID()}`;

  beforeEach(async () => {
    bao = await startSealableOpenBao();
    token = await bao.tokenFor({ 'secret/data/*': ['read', 'update'], 'secret/data/NO': ['deny'] });
    await bao.put('HELD', value);
    await bao.expect('POST', 'secret/data/OTHER_FORM', { data: { password: value } });
  });

  afterEach(async () => {
    await app.close();
    await bao.stop();
  });

  const start = async (options: Partial<TeamAppOptions> = {}): Promise<void> => {
    app = await startTeamApp({ address: bao.address, token, ...QUICK, ...options });
    await failureOf(app.secrets.get('NO'));
  };

  const failures = async (): Promise<unknown[]> => [
    await failureOf(app.secrets.get('NO')),
    await failureOf(app.secrets.get('OTHER_FORM')),
    await failureOf(app.secrets.set('NEW', value)),
    await failureOf(app.secrets.set('NO', value)),
    await failureOf(app.secrets.rotate('NO', { value })),
    await failureOf(app.secrets.getBoolean('OTHER_FORM')),
  ];

  const found = async (seen: readonly unknown[]): Promise<string[]> => {
    const outside = [...seen, app.log.lines, app.secrets.inspect(), app.secrets];
    const text = [...outside.map(everythingOf), (await app.get('/health')).text].join('\n');
    return [value, token].filter((canary) => leaks(text, canary));
  };

  it('is nothing when the store refuses', async () => {
    await start();

    const seen = await failures();

    await expect(found(seen)).resolves.toEqual([]);
  });

  it('is nothing when the store does not know the token', async () => {
    token = `s.${randomUUID()}`;
    await start();

    const seen = await failures();

    await expect(found(seen)).resolves.toEqual([]);
  });

  it('is nothing of the cache when the store is sealed or gone', async () => {
    await start({ preload: ['HELD'] });

    await bao.seal();
    const whenSealed = await failures();
    await bao.stop();
    const whenGone = await failures();

    await expect(found([...whenSealed, ...whenGone])).resolves.toEqual([]);
  });

  it('is nothing when the store does not answer', async () => {
    await start({ preload: ['HELD'] });
    await bao.freeze();

    const seen = await failures();
    await bao.thaw();

    await expect(found(seen)).resolves.toEqual([]);
  });

  it('is nothing when a start fails', async () => {
    await start();

    const seen = await failureOf(
      startTeamApp({
        address: bao.address,
        token,
        ...QUICK,
        preload: ['HELD', 'NO', 'OTHER_FORM'],
      }),
    );

    expect(seen).toMatchObject({ operation: 'preload' });
    await expect(found([seen])).resolves.toEqual([]);
  });
});
