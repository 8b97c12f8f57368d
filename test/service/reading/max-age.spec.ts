import type { SecretsService } from 'nestjs-custom-secret-manager';
import { closeApplications, startWith } from '../../support/application';
import { ScriptedSecretManager, failure } from '../../support/scripted.secret-manager';

/** A store that answers each read with its value at the beginning of the read, when the test says so. */
class SlowStore extends ScriptedSecretManager {
  held = 'old';
  readonly #waiting: (() => void)[] = [];
  calls = 0;
  inFlight = 0;
  mostInFlight = 0;

  constructor() {
    super(() => this.answerLater());
  }

  /** Answers the oldest read. */
  async release(): Promise<void> {
    this.#waiting.shift()?.();
    await turn();
  }

  private async answerLater(): Promise<string> {
    const value = this.held;
    this.calls += 1;
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.inFlight -= 1;
    return value;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const ASK: readonly [string, (secrets: SecretsService) => Promise<unknown>][] = [
  ['get', (secrets) => secrets.get('KEY', { maxAgeMs: 0 })],
  ['getOrThrow', (secrets) => secrets.getOrThrow('KEY', { maxAgeMs: 0 })],
  [
    'getMany',
    async (secrets) => {
      const outcome = (await secrets.getMany(['KEY'], { maxAgeMs: 0 })).get('KEY');
      return outcome && 'value' in outcome ? outcome.value : outcome;
    },
  ],
  ['a handle', (secrets) => secrets.secret('KEY').get({ maxAgeMs: 0 })],
  ['refresh', async (secrets) => [await secrets.refresh('KEY'), await secrets.get('KEY')][1]],
];

describe('a read with maxAgeMs', () => {
  afterEach(closeApplications);

  it.each(ASK)('by %s is not answered by an earlier call', async (_, ask) => {
    const store = new SlowStore();
    const { secrets } = await startWith(store);
    const before = secrets.get('KEY');
    await turn();

    store.held = 'new';
    const answer = ask(secrets);
    await turn();
    await store.release();
    await store.release();

    expect([await before, await answer]).toEqual(['old', 'new']);
    expect([store.calls, store.mostInFlight]).toEqual([2, 1]);
  });

  it('shares one following call with all later callers', async () => {
    const store = new SlowStore();
    const { secrets } = await startWith(store);
    void secrets.get('KEY');
    await turn();

    store.held = 'new';
    const answers = [];
    for (let caller = 0; caller < 100; caller++) {
      answers.push(secrets.get('KEY', { maxAgeMs: 0 }), secrets.refresh('KEY'));
      await turn();
    }
    await store.release();
    await store.release();

    expect(new Set(await Promise.all(answers))).toEqual(new Set(['new', undefined]));
    expect([store.calls, store.mostInFlight]).toEqual([2, 1]);
  });

  it('joins a call of the same turn of the event loop', async () => {
    const store = new SlowStore();
    const { secrets } = await startWith(store);

    const answers = Promise.all([
      secrets.get('KEY'),
      secrets.get('KEY', { maxAgeMs: 0 }),
      Promise.resolve().then(() => secrets.get('KEY', { maxAgeMs: 0 })),
    ]);
    await turn();
    await store.release();

    expect(await answers).toEqual(['old', 'old', 'old']);
    expect(store.calls).toBe(1);
  });

  it('joins a call that is younger than that age', async () => {
    const store = new SlowStore();
    const { secrets } = await startWith(store);
    const before = secrets.get('KEY');
    await turn();

    const answer = secrets.get('KEY', { maxAgeMs: 60_000 });
    await store.release();

    expect([await before, await answer]).toEqual(['old', 'old']);
    expect(store.calls).toBe(1);
  });

  it('makes no following call that nobody waits for', async () => {
    const store = new SlowStore();
    const { secrets } = await startWith(store);
    const before = secrets.get('KEY');
    await turn();
    const controller = new AbortController();
    const aborted = secrets.get('KEY', { maxAgeMs: 0, signal: controller.signal });

    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
    await store.release();
    await turn();

    expect(await before).toBe('old');
    expect(store.calls).toBe(1);
  });

  it('waits no longer than its own deadline for the following call', async () => {
    const store = new SlowStore();
    const { secrets } = await startWith(store);
    void secrets.get('KEY');
    await turn();

    const answer = secrets.get('KEY', { maxAgeMs: 0, timeoutMs: 20 });

    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' });
    await store.release();
  });

  it('makes its own call if the earlier call failed', async () => {
    const store = new ScriptedSecretManager();
    const { secrets } = await startWith(store, { retry: false });
    let fail = (): void => undefined;
    store.script = () =>
      new Promise<never>((_, reject) => (fail = () => reject(failure('UNAVAILABLE'))));
    const before = secrets.get('KEY');
    await turn();
    const answer = secrets.get('KEY', { maxAgeMs: 0 });

    store.script = () => 'new';
    fail();

    await expect(before).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await answer).toBe('new');
  });

  it('ends with the application while it waits for the following call', async () => {
    const store = new SlowStore();
    const { app, secrets } = await startWith(store);
    void secrets.get('KEY').catch(() => undefined);
    await turn();
    const answer = secrets.get('KEY', { maxAgeMs: 0 });
    const outcome = expect(answer).rejects.toMatchObject({ code: 'CANCELLED' });

    await app.close();

    await outcome;
    expect(store.calls).toBe(1);
  });

  it.each([-1, Number.NaN, Infinity, '1' as never])(
    'refuses staleIfErrorMs of %p',
    async (staleIfErrorMs) => {
      const { secrets } = await startWith(new ScriptedSecretManager());

      await expect(secrets.get('KEY', { staleIfErrorMs })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('`staleIfErrorMs`'),
      });
    },
  );
});
