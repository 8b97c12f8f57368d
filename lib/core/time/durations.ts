/** The deadline of a call that gives no `timeoutMs`, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 30_000;

export const DAY_MS = 86_400_000;

/** The largest time of a `Date`. */
export const LATEST_DATE_MS = 8.64e15;

/** The longest delay that Node's timers can count, in milliseconds. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
