import { SecretManagerError } from 'nestjs-custom-secret-manager';
import { AgeClock } from '../../../../lib/core/time/clock';
import { Upkeep } from '../../../../lib/drivers/hashicorp-vault/login/upkeep';

const MINUTE_MS = 60_000;
const PAUSES = { firstMs: 1_000, longestMs: 30_000 };
const SEALED = new SecretManagerError('UNAVAILABLE', 'The server is sealed.');
const REFUSED = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
const MALFORMED = new SecretManagerError('MALFORMED', 'The answer is too large.');

describe('Upkeep', () => {
  const renew = jest.fn<Promise<boolean>, []>();
  const replace = jest.fn<Promise<void>, []>();
  const expire = jest.fn<undefined, []>();
  let clock: AgeClock;
  let upkeep: Upkeep;

  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(0); // no jitter
    for (const mock of [renew, replace, expire]) mock.mockReset();
    replace.mockResolvedValue();
    clock = new AgeClock();
    upkeep = new Upkeep(clock, { pauses: PAUSES, renew, replace, expire });
  });

  afterEach(() => {
    upkeep.stop();
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  const keep = (validForMs: number): void => upkeep.extend(validForMs, clock.now() + validForMs);
  const pass = (delayMs: number): Promise<void> => jest.advanceTimersByTimeAsync(delayMs);

  /** Resolves to the seconds at which the upkeep called `renew`. */
  async function renewalsWithin(seconds: number): Promise<number[]> {
    const times: number[] = [];
    for (let second = 1; second <= seconds; second++) {
      const before = renew.mock.calls.length;
      await pass(1_000);
      if (renew.mock.calls.length > before) times.push(second);
    }
    return times;
  }

  it('renews when two thirds of the lifetime have passed, and after each extension again', async () => {
    renew.mockImplementation(() => {
      keep(MINUTE_MS);
      return Promise.resolve(true);
    });
    keep(MINUTE_MS);

    expect(await renewalsWithin(100)).toEqual([40, 80]);
    expect(replace).not.toHaveBeenCalled();
  });

  it.each([
    ['an outage with pauses that double', SEALED, [40, 41, 43, 47, 54]],
    ['a refused connection in the same way', REFUSED, [40, 41, 43, 47, 54]],
    ['another failure rarely, but before the end', MALFORMED, [40, 50, 55]],
  ])('retries %s', async (_, error, seconds) => {
    renew.mockRejectedValue(error);
    keep(MINUTE_MS);

    expect(await renewalsWithin(55)).toEqual(seconds);
    expect(expire).not.toHaveBeenCalled();
  });

  it('expires once if no renewal came in time', async () => {
    renew.mockRejectedValue(SEALED);
    keep(MINUTE_MS);

    await pass(2 * MINUTE_MS);
    const attempts = renew.mock.calls.length;
    await pass(MINUTE_MS);

    expect(expire).toHaveBeenCalledTimes(1);
    expect(renew).toHaveBeenCalledTimes(attempts);
  });

  it('replaces at once what the server ends, and retries a replacement that failed', async () => {
    renew.mockResolvedValue(false);
    replace.mockRejectedValueOnce(SEALED);
    keep(MINUTE_MS);

    await pass(41_000);

    expect(replace).toHaveBeenCalledTimes(2);
    expect(expire).not.toHaveBeenCalled();
  });

  it('expires at its end after `end`, without a renewal', async () => {
    keep(MINUTE_MS);
    upkeep.end();

    await pass(MINUTE_MS - 1);
    const before = expire.mock.calls.length;
    await pass(2);

    expect([before, expire.mock.calls.length, renew.mock.calls.length]).toEqual([0, 1, 0]);
  });

  it('calls nothing after a stop, even if a renewal is in flight', async () => {
    let fail = (_: Error): void => undefined;
    renew.mockReturnValue(new Promise((_, reject) => (fail = reject)));
    keep(MINUTE_MS);
    await pass(40_000);

    upkeep.stop();
    fail(SEALED);
    await pass(MINUTE_MS);

    expect(renew).toHaveBeenCalledTimes(1);
    expect([replace.mock.calls, expire.mock.calls]).toEqual([[], []]);
  });

  it('sets no timer for a lifetime without end', async () => {
    keep(Infinity);

    expect(jest.getTimerCount()).toBe(0);
    await pass(MINUTE_MS);
    expect(renew).not.toHaveBeenCalled();
  });
});
