import type { SecretsService } from 'nestjs-custom-secret-manager';
import { inspect } from 'node:util';
import { closeApplications, type Started } from '../support/application';
import { everythingOf, leaks } from '../support/failure-of';
import { startDurableOpenBao, type DurableOpenBao } from './support/durable-openbao';
import { eventually } from './support/eventually';
import { keepReading, lasting, type Readings } from './support/keep-reading';
import { Logins, type Grants } from './support/logins';
import { closeVaults, startVaultApp } from './support/vault';

const CALLERS = 50;
const NAMES = Array.from({ length: 5 }, (_, index) => `HELD_${index}`);
const VALUE = 'value-canary/of+the=store';

describe('an application whose OpenBao is away for a while', () => {
  let bao: DurableOpenBao;
  let output: string[];

  beforeAll(async () => {
    bao = await startDurableOpenBao();
    await bao.permit('reader', { 'secret/data/*': ['read'] });
    for (const name of NAMES) await bao.put(name, VALUE);
  });

  beforeEach(() => {
    output = [];
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0);
    }
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      jest.spyOn(console, method).mockImplementation((...parts) => {
        output.push(inspect(parts, { depth: 9 }));
      });
    }
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all([closeApplications(), closeVaults()]);
  });

  afterAll(() => bao.stop());

  interface Application extends Started {
    readonly secretId: string;
  }

  const start = async (grants: Partial<Grants> = {}): Promise<Application> => {
    const reader = { policies: ['reader'], ttl: '1h', ...grants };
    const ids = await new Logins(bao).appRole('app', reader);
    const started = await startVaultApp(
      bao,
      { auth: { method: 'approle', ...ids } },
      {
        preload: NAMES,
        cache: { ttlMs: 500, staleWhileRevalidateMs: 100 },
        circuitBreaker: { resetAfterMs: 500 },
      },
    );
    return { ...started, secretId: ids.secretId };
  };

  /** Resolves to the outcome of many cached reads and some uncached ones during an event. */
  const during = async (
    { secrets }: Application,
    happening: () => Promise<unknown>,
  ): Promise<{ cached: Readings<unknown>[]; uncached: Readings<unknown>[] }> => {
    let isOver = false;
    const readAll = (read: (index: number) => Promise<unknown>, callers: number) =>
      Array.from({ length: callers }, (_, index) =>
        keepReading(
          () => read(index),
          () => !isOver,
        ),
      );
    const cached = readAll((index) => secrets.get(NAMES[index % NAMES.length] ?? ''), CALLERS);
    const uncached = readAll((index) => secrets.get(`ABSENT_${index}`, { maxAgeMs: 0 }), 5);
    await happening().finally(() => (isOver = true));
    return { cached: await Promise.all(cached), uncached: await Promise.all(uncached) };
  };

  /** Waits for the recovery. Failed refreshes pause for at most half a minute. */
  const recovers = (secrets: SecretsService): Promise<void> =>
    eventually(
      'the store is asked again',
      async () => {
        const answers = [...(await secrets.getMany([...NAMES, 'ABSENT'])).values()];
        const held = secrets.inspect().filter(({ name }) => NAMES.includes(name));
        return (
          answers.every((answer) => !('error' in answer)) &&
          held.every(({ state }) => state === 'fresh')
        );
      },
      30_000,
    );

  const outages: readonly [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    ['killed', () => bao.kill(), () => bao.restart()],
    ['sealed', () => bao.seal(), () => bao.unseal()],
  ];

  it.each(outages)(
    'is served cached values for the ten seconds in which the server is %s, and gets other failures at once',
    async (_, end, begin) => {
      const app = await start();
      let states: readonly unknown[] = [];

      const { cached, uncached } = await during(app, async () => {
        await end();
        await keepReading(() => Promise.resolve(), lasting(10_000));
        states = app.secrets.inspect().map(({ state }) => state);
        await begin();
      });
      await recovers(app.secrets);

      expect(cached.flatMap(({ failures }) => failures)).toEqual([]);
      expect(new Set(cached.flatMap(({ values }) => [...values]))).toEqual(new Set([VALUE]));
      expect(states).toEqual(expect.arrayContaining(Array(NAMES.length).fill('stale')));
      for (const { failures, count } of uncached) {
        expect(new Set(failures)).toEqual(new Set(['UNAVAILABLE']));
        expect(count).toBeGreaterThan(50); // in 10 s, so none has waited for long
      }
      const { secretId } = app;
      const seen = [
        ...output,
        ...app.log.lines,
        ...uncached.flatMap(({ errors }) => errors.slice(0, 50).map(everythingOf)),
      ].join('\n');
      expect(seen).toContain('UNAVAILABLE');
      expect([VALUE, secretId].filter((canary) => leaks(seen, canary))).toEqual([]);
      expect(seen).not.toMatch(/\bs\.[A-Za-z0-9]{24}/); // the form of a token
    },
    40_000,
  );

  it('is served cached values during a restart of the server, and recovers', async () => {
    const app = await start();

    const { cached, uncached } = await during(app, async () => {
      await bao.kill();
      await bao.restart();
      await recovers(app.secrets);
    });

    expect(cached.flatMap(({ failures }) => failures)).toEqual([]);
    const failures = new Set(uncached.flatMap((readings) => readings.failures));
    expect([...failures].filter((code) => code !== 'UNAVAILABLE')).toEqual([]);
  });

  it('logs in again if its token has expired meanwhile', async () => {
    const app = await start({ ttl: '3s' });

    await bao.kill();
    const { failures } = await keepReading(() => app.secrets.get('HELD_0'), lasting(4_000));
    await bao.restart();
    await recovers(app.secrets);

    expect(failures).toEqual([]);
  });
});
