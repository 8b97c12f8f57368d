import { closeApplications, startWith } from '../support/application';
import { ScriptedSecretManager } from '../support/scripted.secret-manager';

describe('a read in flight when the application shuts down', () => {
  afterEach(closeApplications);

  it('is not answered from the environment, whatever the fallback', async () => {
    const store = new ScriptedSecretManager(() => new Promise<never>(() => undefined));
    const { app, secrets } = await startWith(store, {
      fallback: 'on-any-failure',
      environment: { KEY: 'of the environment' },
    });
    const outcome = secrets.get('KEY').catch((error: { code: string }) => error.code);

    await app.close();

    expect(await outcome).toBe('CANCELLED');
  });

  it('leaves nothing in the cache', async () => {
    let answer = (_: string): void => undefined;
    const store = new ScriptedSecretManager(() => new Promise((resolve) => (answer = resolve)));
    const { app, secrets } = await startWith(store);
    const reading = secrets.get('KEY').catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));

    answer('value');
    const closing = app.close();
    await Promise.all([closing, reading]);

    expect(secrets.inspect()).toEqual([]);
  });
});

describe('a synchronous read without one of the manager', () => {
  afterEach(closeApplications);

  it.each([
    [{}, 'value'],
    [{ staleIfErrorMs: 60_000 }, 'value'],
    [{ staleIfErrorMs: 0 }, 'UNSUPPORTED'],
    [{ staleIfErrorMs: 10 }, 'UNSUPPORTED'],
  ])('answers %o with %s, past the time to live', async (options, expected) => {
    const store = new ScriptedSecretManager();
    const { secrets } = await startWith(store, { cache: { ttlMs: 10, staleWhileRevalidateMs: 0 } });
    await secrets.get('KEY');
    await new Promise((resolve) => setTimeout(resolve, 40));

    let outcome: string | undefined;
    try {
      outcome = secrets.getSync('KEY', options);
    } catch (error) {
      outcome = (error as { code: string }).code;
    }

    expect(outcome).toBe(expected);
  });
});
