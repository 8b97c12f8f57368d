import { RestartedTimers } from '../../../lib/core/restarted-timers';

const AWAITED = { keepsAlive: true };

describe('RestartedTimers', () => {
  let timers: RestartedTimers;
  const rung: string[] = [];
  /** Starts a timer, and returns what stops it. */
  const start = (name: string, delayMs: number, options = AWAITED): (() => void) => {
    const target = { expire: () => void rung.push(name) };
    const timer = timers.start(target, delayMs, options);
    return () => timers.stop(timer, target);
  };

  beforeEach(() => {
    jest.useFakeTimers();
    timers = new RestartedTimers();
    rung.length = 0;
  });
  afterEach(() => jest.useRealTimers());

  it('calls back after the delay, counted from its own start', () => {
    start('first', 100)();
    jest.advanceTimersByTime(60);
    start('second', 100);

    jest.advanceTimersByTime(99);
    expect(rung).toEqual([]);
    jest.advanceTimersByTime(1);

    expect(rung).toEqual(['second']);
  });

  it('calls nobody back for a timer that was stopped, however long it stands by', () => {
    start('stopped', 100)();

    jest.advanceTimersByTime(1_000);
    start('started again', 100);
    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['started again']);
  });

  it('runs any number at a time, of any lengths', () => {
    const stop = start('stopped', 100);
    start('short', 50);
    start('long', 200);
    stop();
    start('long too', 200);
    start('as the stopped one', 100);

    jest.advanceTimersByTime(200);

    expect(rung).toEqual(['short', 'as the stopped one', 'long', 'long too']);
  });

  it('does not stop the timer of another call by a stop that comes twice', () => {
    const stop = start('stopped', 100);
    stop();
    start('next', 100);

    stop();
    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['next']);
  });

  it('starts one again after it has rung', () => {
    const stop = start('first', 100);
    jest.advanceTimersByTime(100);
    stop();
    start('second', 100);

    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['first', 'second']);
  });

  it('keeps one Timeout for calls that follow each other', () => {
    const made = jest.spyOn(globalThis, 'setTimeout');

    for (let call = 0; call < 10; call++) start('never', 100)();

    expect(made).toHaveBeenCalledTimes(1);
    made.mockRestore();
  });

  it('leaves nothing behind when it closes, nor afterwards', () => {
    const stop = start('under way', 100);
    start('stopped', 100)();
    timers.close();
    stop();

    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for months where it is told to', () => {
    const months = 90 * 24 * 3_600_000;
    start('months', months);

    jest.advanceTimersByTime(months - 1);
    expect(rung).toEqual([]);
    jest.advanceTimersByTime(1);

    expect(rung).toEqual(['months']);
  });

  it('goes by the clock that holds when it is started', () => {
    start('fake', 100)();
    jest.useRealTimers();
    jest.useFakeTimers();

    start('fake again', 100);
    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['fake again']);
  });

  it('keeps the process alive only for a call that is under way and awaited', () => {
    jest.useRealTimers();
    const alive = () =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = alive();

    const stop = start('awaited', 60_000);
    const whileAwaited = alive();
    stop();
    const stopped = alive();
    const stopAgain = start('awaited', 60_000);
    const again = alive();
    stopAgain();
    start('behind', 60_000, { keepsAlive: false });

    expect([whileAwaited, stopped, again, alive()].map((count) => count - before)).toEqual([
      1, 0, 1, 0,
    ]);
    timers.close();
  });
});
