import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pass } from 'node:timers/promises';
import { RestartedTimers } from '../../../lib/core/restarted-timers';

const AWAITED = { keepsAlive: true };
const MONTHS_MS = 90 * 24 * 3_600_000;

let timers: RestartedTimers;
const rung: string[] = [];

/** Starts a timer, and returns what stops it. */
function start(name: string, delayMs: number, options = AWAITED): () => void {
  const target = { expire: () => void rung.push(name) };
  const timer = timers.start(target, delayMs, options);
  return () => timers.stop(timer, target);
}

function timeoutsThatKeepAlive(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

beforeEach(() => {
  timers = new RestartedTimers();
  rung.length = 0;
});
afterEach(() => timers.close());

describe('RestartedTimers, on the clock of Node', () => {
  it('count from the start, also of one that was started before', async () => {
    start('stopped', 200)();
    await pass(120);
    start('second', 200);

    await pass(120);
    expect(rung).toEqual([]);
    await pass(160);

    expect(rung).toEqual(['second']);
  });

  it('tell nobody of one that stands by, and can start it again when it has run out', async () => {
    start('stopped', 20)();
    await pass(60);
    expect(rung).toEqual([]);

    start('started again', 20);
    await pass(60);

    expect(rung).toEqual(['started again']);
  });

  it('can start one again that has rung', async () => {
    const stop = start('first', 20);
    await pass(60);
    stop();
    start('second', 20);

    await pass(60);

    expect(rung).toEqual(['first', 'second']);
  });

  it('do not stop the timer of another call by a stop that comes twice', async () => {
    const stop = start('stopped', 20);
    stop();
    start('next', 20);

    stop();
    await pass(60);

    expect(rung).toEqual(['next']);
  });

  it('take one for calls that follow each other, and one each for calls at a time', () => {
    const target = { expire: () => undefined };
    const used = new Set<unknown>();
    for (let call = 0; call < 10; call++) {
      const timer = timers.start(target, 60_000, AWAITED);
      used.add(timer);
      timers.stop(timer, target);
    }
    const [one, other] = [
      timers.start(target, 60_000, AWAITED),
      timers.start(target, 60_000, AWAITED),
    ];

    expect(used.size).toBe(1);
    expect(one).not.toBe(other);
    for (const timer of [one, other]) timers.stop(timer, target);
  });

  it('ring outside of every request, and keep none of them', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const target = { expire: () => void seen.push(request.getStore()) };

    request.run('first', () => start('stopped', 20)());
    request.run('second', () => timers.start(target, 20, AWAITED));
    await pass(60);

    expect(seen).toEqual([undefined]);
  });

  it('keep the process alive for a call that is under way and awaited, and for none else', () => {
    const before = timeoutsThatKeepAlive();
    const seen = (): number => timeoutsThatKeepAlive() - before;

    const stop = start('awaited', 60_000);
    const whileAwaited = seen();
    stop();
    const stopped = seen();
    const stopBehind = start('behind', 60_000, { keepsAlive: false });
    const behind = seen();
    stopBehind();
    const stopAgain = start('awaited again', 60_000);
    const again = seen();
    stopAgain();

    expect([whileAwaited, stopped, behind, again, seen()]).toEqual([1, 0, 0, 1, 0]);
  });
});

describe('RestartedTimers, on the clock of a test', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('run any number at a time, of any lengths', () => {
    const stop = start('stopped', 100);
    start('short', 50);
    start('long', 200);
    stop();
    start('long too', 200);
    start('as the stopped one', 100);

    jest.advanceTimersByTime(200);

    expect(rung).toEqual(['short', 'as the stopped one', 'long', 'long too']);
  });

  it('leave nothing behind when a call has ended, nor one that ends after they are closed', () => {
    const stop = start('under way', 100);
    start('stopped', 100)();
    timers.close();
    stop();

    expect(jest.getTimerCount()).toBe(0);
  });

  it('go by that clock, although the last call went by Node', () => {
    jest.useRealTimers();
    start('real', 60_000)();
    jest.useFakeTimers();

    start('fake', 60_000);
    jest.advanceTimersByTime(60_000);

    expect(rung).toEqual(['fake']);
  });

  it('need no clock on which a timer can be started again', () => {
    const real = globalThis.setTimeout;
    const callbacks: (() => void)[] = [];
    const simple = (callback: () => void) => callbacks.push(callback);
    globalThis.setTimeout = simple as unknown as typeof setTimeout;

    start('first', 100)();
    start('second', 100);
    globalThis.setTimeout = real;
    callbacks.at(-1)?.();

    expect(rung).toEqual(['second']);
  });

  it('wait for months where they are told to', () => {
    start('months', MONTHS_MS);

    jest.advanceTimersByTime(MONTHS_MS - 1);
    expect(rung).toEqual([]);
    jest.advanceTimersByTime(1);

    expect(rung).toEqual(['months']);
  });
});
