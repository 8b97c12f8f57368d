import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { setTimeout as pass } from 'node:timers/promises';
import { Deadlines } from '../../../lib/core/time/deadlines';
import { timersThatKeepAlive } from '../../support/node-timers';

const AWAITED = { keepsAlive: true };
const MONTHS_MS = 90 * 24 * 3_600_000;

let deadlines: Deadlines;
const expired: string[] = [];

/** Starts a deadline, and returns the function that cancels it. */
function start(name: string, delayMs: number, options = AWAITED): () => void {
  const deadline = deadlines.start({ expire: () => void expired.push(name) }, delayMs, options);
  return () => deadlines.stop(deadline);
}

beforeEach(() => {
  deadlines = new Deadlines();
  expired.length = 0;
});

describe('Deadlines, on the clock of Node', () => {
  it('count each from its own start', async () => {
    start('called off', 200)();
    await pass(120);
    start('second', 200);

    await pass(120);
    expect(expired).toEqual([]);
    await pass(160);

    expect(expired).toEqual(['second']);
  });

  it('continue after one has expired', async () => {
    start('first', 20);
    await pass(60);
    start('second', 20);
    await pass(60);

    expect(expired).toEqual(['first', 'second']);
  });

  it('use one timer for any number of calls', () => {
    let timers = 0;
    const count = (_: number, type: string): void => void (timers += Number(type === 'Timeout'));
    const hook = createHook({ init: count }).enable();
    for (let call = 0; call < 10; call++) start('alone', 60_000)();
    const stops = Array.from({ length: 10 }, () => start('together', 60_000));
    hook.disable();
    for (const stop of stops) stop();
    deadlines.close();

    expect(timers).toBe(1);
  });

  it('expire all that are due, however close together', async () => {
    for (let call = 0; call < 5_000; call++) start('one of many', 50);

    await pass(1_000); // with a timer for each, they would take five seconds

    expect(expired).toHaveLength(5_000);
  });

  it('expire outside of any request context, and retain none', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const target = { expire: () => void seen.push(request.getStore()) };

    request.run('first', () => deadlines.start(target, 20, AWAITED));
    request.run('second', () => deadlines.start(target, 40, AWAITED));
    await pass(90);

    expect(seen).toEqual([undefined, undefined]);
  });

  it('keep the process alive only for an awaited call in flight', () => {
    const before = timersThatKeepAlive();
    const seen = (): number => timersThatKeepAlive() - before;

    const stopBehind = start('behind', 60_000, { keepsAlive: false });
    const behind = seen();
    const stops = [start('awaited', 60_000), start('sooner', 30_000)];
    const whileAwaited = seen();
    stops[0]?.();
    const whileOneIs = seen();
    stops[1]?.();
    stops[1]?.();
    const calledOff = seen();
    const stopAgain = start('awaited again', 60_000);
    const again = seen();
    stopAgain();
    const atTheEnd = seen();
    stopBehind();
    deadlines.close();

    expect([behind, whileAwaited, whileOneIs, calledOff, again, atTheEnd]).toEqual([
      0, 1, 1, 0, 1, 0,
    ]);
  });

  it('keep the process alive for the remaining calls after the timer has fired', async () => {
    const before = timersThatKeepAlive();

    start('awaited', 20);
    const stop = start('awaited longer', 60_000);
    await pass(60);
    const left = timersThatKeepAlive() - before;
    stop();
    deadlines.close();

    expect(left).toBe(1);
    expect(expired).toEqual(['awaited']);
  });
});

describe('Deadlines, on the clock of a test', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('run any number at a time, with any lengths', () => {
    const stop = start('called off', 100);
    start('short', 50);
    start('long', 200);
    stop();
    start('middle', 100);

    jest.advanceTimersByTime(49);
    expect(expired).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(expired).toEqual(['short']);
    jest.advanceTimersByTime(150);

    expect(expired).toEqual(['short', 'middle', 'long']);
  });

  it('do not expire one that another cancels at the same moment', () => {
    const expire = (): void => {
      expired.push('one of them');
      for (const deadline of both) deadlines.stop(deadline);
    };
    const both = [1, 2].map(() => deadlines.start({ expire }, 50, AWAITED));

    jest.advanceTimersByTime(50);

    expect(expired).toEqual(['one of them']);
  });

  it('may be started by an expiring one', () => {
    const again = { expire: () => void start('next', 50) };
    deadlines.start(again, 50, AWAITED);

    jest.advanceTimersByTime(100);

    expect(expired).toEqual(['next']);
  });

  it('report the calls that they run for', () => {
    const [first, second] = [{ expire: () => undefined }, { expire: () => undefined }];
    const deadline = deadlines.start(first, 50, AWAITED);
    deadlines.start(second, 100, AWAITED);
    deadlines.stop(deadline);

    expect([...deadlines]).toEqual([second]);
    jest.advanceTimersByTime(100);
    expect([...deadlines]).toEqual([]);
  });

  it('leave no timer behind after close, once all calls have ended', () => {
    start('called off', 100)();
    const stop = start('under way', 100);

    deadlines.close();
    expect(jest.getTimerCount()).toBe(1);
    stop();
    expect(jest.getTimerCount()).toBe(0);

    start('after', 100)();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('follow that clock, although the last call used the clock of Node', () => {
    jest.useRealTimers();
    start('real', 60_000)();
    jest.useFakeTimers();

    start('fake', 60_000);
    jest.advanceTimersByTime(60_000);

    expect(expired).toEqual(['fake']);
  });

  it('follow the timer if only the timer is fake, as in node:test', () => {
    jest.useRealTimers();
    jest.useFakeTimers({ doNotFake: ['performance'] });
    start('called off', 5_000)();
    jest.advanceTimersByTime(4_000);

    start('short', 500);
    start('long', 9_000);
    jest.advanceTimersByTime(501);
    expect(expired).toEqual(['short']);
    jest.advanceTimersByTime(8_498);
    expect(expired).toEqual(['short']);
    jest.advanceTimersByTime(2);

    expect(expired).toEqual(['short', 'long']);
  });

  it('survive a test that removes its timers when nothing is in flight', () => {
    start('called off', 100)();
    jest.clearAllTimers();

    start('next', 100);
    jest.advanceTimersByTime(100);

    expect(expired).toEqual(['next']);
  });

  it('leave no timer behind for the next test', () => {
    const stops = [start('first', 100), start('second', 50)];
    for (const stop of stops) stop();

    expect(jest.getTimerCount()).toBe(0);
  });

  it('wait for months', () => {
    start('months', MONTHS_MS);

    jest.advanceTimersByTime(MONTHS_MS - 1);
    expect(expired).toEqual([]);
    jest.advanceTimersByTime(1);

    expect(expired).toEqual(['months']);
  });
});
