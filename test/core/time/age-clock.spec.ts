import { AgeClock } from '../../../lib/core/time/clock';

describe('AgeClock', () => {
  let monotonic = 0;
  let wall = 1_700_000_000_000;

  beforeEach(() => {
    jest.spyOn(performance, 'now').mockImplementation(() => monotonic);
    jest.spyOn(Date, 'now').mockImplementation(() => wall);
  });
  afterEach(() => jest.restoreAllMocks());

  const pass = (monotonicMs: number, wallMs: number): void => {
    monotonic += monotonicMs;
    wall += wallMs;
  };

  it('moves with the monotonic clock', () => {
    const clock = new AgeClock();
    const before = clock.now();

    pass(2_000, 2_000);

    expect(clock.now() - before).toBe(2_000);
  });

  it('counts the time of a suspended machine', () => {
    const clock = new AgeClock();
    const before = clock.now();

    pass(10, 8_010);

    expect(clock.now() - before).toBe(8_010);
  });

  it('counts the time while the wall clock stands still', () => {
    const clock = new AgeClock();
    const before = clock.now();

    pass(8_000, 0);

    expect(clock.now() - before).toBe(8_000);
  });

  it('ignores a wall clock that is set back', () => {
    const clock = new AgeClock();
    const before = clock.now();

    pass(1_000, -3_600_000);
    const after = clock.now();
    pass(1_000, 1_000);

    expect([after - before, clock.now() - before]).toEqual([1_000, 2_000]);
  });

  it('never runs backwards, and does not accumulate rounding differences of the two clocks', () => {
    const clock = new AgeClock();
    const before = clock.now();
    let last = before;

    for (let step = 0; step < 10_000; step++) {
      pass(0.25, step % 4 === 0 ? 1 : 0);
      expect(clock.now()).toBeGreaterThanOrEqual(last);
      last = clock.now();
    }

    expect(last - before).toBe(2_500);
  });
});
