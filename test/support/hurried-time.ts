const real = {
  setTimeout,
  setInterval,
  now: performance.now.bind(performance),
  dateNow: Date.now,
};

/**
 * Makes time pass faster for a test that waits: both clocks, timeouts and intervals. Sockets, files and workers keep
 * their pace, so a hurried deadline must leave them time. Returns a function that restores the time.
 */
export function hurryTime(factor: number): () => void {
  const since = { now: real.now(), date: real.dateNow() };
  const sooner =
    <Set extends typeof setTimeout | typeof setInterval>(set: Set) =>
    (callback: () => void, delayMs = 0, ...given: []) =>
      set(callback, delayMs / factor, ...given);
  const now = (): number => since.now + (real.now() - since.now) * factor;
  const mocks = [
    jest.spyOn(performance, 'now').mockImplementation(now),
    jest.spyOn(Date, 'now').mockImplementation(() => Math.trunc(since.date + now() - since.now)),
  ];
  Object.assign(globalThis, {
    setTimeout: sooner(real.setTimeout),
    setInterval: sooner(real.setInterval),
  });
  return () => {
    Object.assign(globalThis, { setTimeout: real.setTimeout, setInterval: real.setInterval });
    for (const mock of mocks) mock.mockRestore();
  };
}

/** Hurries the time in each test of the file or of the `describe` around it. */
export function hurriedTests(factor = 10): void {
  let restore = (): void => undefined;
  beforeEach(() => {
    restore = hurryTime(factor);
  });
  afterEach(() => restore());
}
