import { join } from 'node:path';
import { BlockingWorker } from '../../lib/sync/blocking-worker';
import { everythingOf, failureOf } from '../support/failure-of';
import { thrownBy } from '../support/thrown-by';

const FRAGILE = join(__dirname, 'workers/fragile.worker.cjs');

interface Answer {
  readonly threadId: number;
  readonly value: unknown;
}

describe('a blocking worker', () => {
  let worker: BlockingWorker;

  const ask = (value: unknown): Answer => worker.call({ value }, 20_000) as Answer;
  const tell = (todo: string, timeoutMs = 20_000): unknown => worker.call({ todo }, timeoutMs);

  beforeEach(() => {
    worker = new BlockingWorker(FRAGILE);
  });

  afterEach(() => worker.close());

  it('answers every call in the same thread', () => {
    const answers = [ask('a'), ask('b'), ask({ c: [1] })];

    expect(answers.map(({ value }) => value)).toEqual(['a', 'b', { c: [1] }]);
    expect(new Set(answers.map(({ threadId }) => threadId)).size).toBe(1);
  });

  it.each(['exit', 'crash'])(
    'that dies in the middle of a call (%s) ends it at once, and another one answers the next',
    async (todo) => {
      const { threadId } = ask('before');

      const error = await failureOf(() => tell(todo));
      const after = ask('after');

      expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      expect(everythingOf(error)).not.toContain('canary');
      expect(after.value).toBe('after');
      expect(after.threadId).not.toBe(threadId);
    },
  );

  it.each([900, 300, 20_000])(
    'that exits silently ends a call of %d ms at once, and another one answers the next',
    async (timeoutMs) => {
      const { threadId } = ask('before');
      const startedAt = performance.now();

      const error = await failureOf(() => tell('vanish', timeoutMs));

      expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      expect(performance.now() - startedAt).toBeLessThan(Math.min(timeoutMs, 5_000));
      expect(ask('after').threadId).not.toBe(threadId);
    },
  );

  it('that exits between two calls is replaced by the next call', async () => {
    const { threadId } = ask('before');
    worker.call({ todo: 'vanish soon' }, 20_000);
    await new Promise((resolve) => setTimeout(resolve, 200));

    const after = ask('after');

    expect(after.value).toBe('after');
    expect(after.threadId).not.toBe(threadId);
  });

  it('that dies during its start ends each call at once', async () => {
    worker = new BlockingWorker(join(__dirname, 'workers/stillborn.worker.cjs'));

    const errors = [await failureOf(() => ask('a')), await failureOf(() => ask('b'))];

    expect(errors).toMatchObject([{ code: 'UNAVAILABLE' }, { code: 'UNAVAILABLE' }]);
  });

  it('is replaced after short calls have waited a second for it', async () => {
    const { threadId } = ask('before');
    await failureOf(() => tell('spin', 100));

    for (let round = 0; round < 5; round++) {
      await failureOf(() => worker.call({ value: 'not taken' }, 200));
    }

    expect(ask('after').threadId).not.toBe(threadId);
  });

  it('gets only the variables for connections, and those that it names', () => {
    const before = process.env;
    process.env = {
      AWS_REGION: 'eu-central-1',
      DATABASE_PASSWORD: 'canary-of-a-variable',
      HTTPS_PROXY: 'http://127.0.0.1:3128',
      NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
      NODE_OPTIONS: '--require /nowhere/preload.cjs --dns-result-order=ipv4first',
      no_proxy: 'localhost',
    };
    const bare = new BlockingWorker(FRAGILE);
    const named = new BlockingWorker(FRAGILE, /^AWS_\w+$/);

    const [seen, seenByNamed] = [bare, named].map((each) =>
      each.call({ todo: 'environment' }, 20_000),
    );

    process.env = before;
    const network = {
      HTTPS_PROXY: 'http://127.0.0.1:3128',
      NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
      no_proxy: 'localhost',
    };
    const flags = ['--dns-result-order=ipv4first'];
    expect(seen).toEqual({ environment: network, flags });
    expect(seenByNamed).toEqual({
      environment: { ...network, AWS_REGION: 'eu-central-1' },
      flags,
    });
    return Promise.all([bare.close(), named.close()]);
  });

  it('that no longer takes calls is replaced after the first missed one', async () => {
    const { threadId } = ask('before');
    await failureOf(() => tell('spin', 100));

    const error = await failureOf(() => worker.call({ value: 'not taken' }, 1_000));
    const after = ask('after');

    expect(error.code).toBe('TIMEOUT');
    expect(after.threadId).not.toBe(threadId);
  });

  it('answers correctly, and stays the same, after ten calls that timed out', async () => {
    const { threadId } = ask('before');
    const codes: string[] = [];

    for (let round = 0; round < 10; round++) {
      codes.push((await failureOf(() => tell('hang', 5))).code);
    }

    expect(new Set(codes)).toEqual(new Set(['TIMEOUT']));
    expect(ask('after')).toEqual({ threadId, value: 'after' });
  });

  it('reports at the deadline that a server in the waiting thread cannot answer', async () => {
    const error = await failureOf(() => tell('hang', 20));

    expect(error.message).toMatch(/no answer within 20 ms.*server in the thread that waits/s);
  });

  it('passes on the class and the code of a failure, but not its text', () => {
    const error = thrownBy(() => worker.call({ todo: 'fail', value: 'canary-of-a-token' }, 20_000));

    expect(error).toMatchObject({ name: 'TypeError', code: 'ECONNRESET' });
    expect(everythingOf(error)).not.toContain('canary');
  });

  it('survives a thrown undefined', () => {
    const error = thrownBy(() => tell('throw nothing'));

    expect(error).toBeInstanceOf(Error);
    expect(ask('after').value).toBe('after');
  });

  it('reports a missing file', async () => {
    worker = new BlockingWorker('/nowhere/http.worker.cjs');

    const error = await failureOf(() => worker.start());

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/"\/nowhere\/http.worker.cjs", which is not there.*external/);
  });

  it('reports a missing package of the worker', async () => {
    worker = new BlockingWorker(join(__dirname, 'workers/lonely.worker.cjs'));

    const error = await failureOf(() => ask('value'));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain('misses a package');
  });

  it('refuses calls after close, and may be closed twice', async () => {
    ask('before');

    await Promise.all([worker.close(), worker.close()]);
    const error = await failureOf(() => ask('after'));

    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('works under fake timers, deadline included', async () => {
    jest.useFakeTimers();

    const answer = ask('value');
    const error = await failureOf(() => tell('hang', 20));
    jest.useRealTimers();

    expect(answer.value).toBe('value');
    expect(error.code).toBe('TIMEOUT');
  });
});
