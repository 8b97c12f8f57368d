import { RestartedTimers } from '../../../lib/core/restarted-timers';

const AWAITED = { keepsAlive: true };

describe('RestartedTimers', () => {
  let timers: RestartedTimers;
  const rung: string[] = [];
  const ring = (name: string) => () => void rung.push(name);

  beforeEach(() => {
    jest.useFakeTimers();
    timers = new RestartedTimers();
    rung.length = 0;
  });
  afterEach(() => jest.useRealTimers());

  it('calls back after the delay, counted from its own start', () => {
    timers.start(ring('first'), 100, AWAITED)();
    jest.advanceTimersByTime(60);
    timers.start(ring('second'), 100, AWAITED);

    jest.advanceTimersByTime(99);
    expect(rung).toEqual([]);
    jest.advanceTimersByTime(1);

    expect(rung).toEqual(['second']);
  });

  it('calls nobody back for a timer that was stopped, however long it stands by', () => {
    timers.start(ring('stopped'), 100, AWAITED)();

    jest.advanceTimersByTime(1_000);
    timers.start(ring('started again'), 100, AWAITED);
    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['started again']);
  });

  it('runs any number at a time, of any lengths', () => {
    const stop = timers.start(ring('stopped'), 100, AWAITED);
    timers.start(ring('short'), 50, AWAITED);
    timers.start(ring('long'), 200, AWAITED);
    stop();
    timers.start(ring('long too'), 200, AWAITED);
    timers.start(ring('as the stopped one'), 100, AWAITED);

    jest.advanceTimersByTime(200);

    expect(rung).toEqual(['short', 'as the stopped one', 'long', 'long too']);
  });

  it('does not stop the timer of another call by a stop that comes twice', () => {
    const stop = timers.start(ring('stopped'), 100, AWAITED);
    stop();
    timers.start(ring('next'), 100, AWAITED);

    stop();
    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['next']);
  });

  it('starts one again after it has rung', () => {
    const stop = timers.start(ring('first'), 100, AWAITED);
    jest.advanceTimersByTime(100);
    stop();
    timers.start(ring('second'), 100, AWAITED);

    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['first', 'second']);
  });

  it('keeps one Timeout for calls that follow each other', () => {
    const made = jest.spyOn(globalThis, 'setTimeout');
    const isMadeBySpy = new RestartedTimers();

    for (let call = 0; call < 10; call++) isMadeBySpy.start(ring('never'), 100, AWAITED)();

    expect(made).toHaveBeenCalledTimes(1);
    made.mockRestore();
  });

  it('leaves nothing behind when it closes, nor afterwards', () => {
    const stop = timers.start(ring('under way'), 100, AWAITED);
    timers.start(ring('stopped'), 100, AWAITED)();
    timers.close();
    stop();

    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for months where it is told to', () => {
    const months = 90 * 24 * 3_600_000;
    timers.start(ring('months'), months, AWAITED);

    jest.advanceTimersByTime(months - 1);
    expect(rung).toEqual([]);
    jest.advanceTimersByTime(1);

    expect(rung).toEqual(['months']);
  });

  it('goes by the clock that holds when it is started', () => {
    timers.start(ring('fake'), 100, AWAITED)();
    jest.useRealTimers();
    jest.useFakeTimers();

    timers.start(ring('fake again'), 100, AWAITED);
    jest.advanceTimersByTime(100);

    expect(rung).toEqual(['fake again']);
  });

  it('keeps the process alive only for a call that is under way and awaited', () => {
    jest.useRealTimers();
    const alive = () =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = alive();

    const stop = timers.start(ring('awaited'), 60_000, AWAITED);
    const whileAwaited = alive();
    stop();
    const stopped = alive();
    const stopAgain = timers.start(ring('awaited'), 60_000, AWAITED);
    const again = alive();
    stopAgain();
    timers.start(ring('behind'), 60_000, { keepsAlive: false });

    expect([whileAwaited, stopped, again, alive()].map((count) => count - before)).toEqual([
      1, 0, 1, 0,
    ]);
    timers.close();
  });
});
