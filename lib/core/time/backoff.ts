/** The pauses between attempts that fail, in milliseconds. */
export interface BackoffBounds {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Returns the pause after so many failures in a row, one at least: it doubles from `firstMs` to `longestMs`. No jitter. */
export function backoffMs(failures: number, { firstMs, longestMs }: BackoffBounds): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}

/** Returns a random part of a pause ("full jitter"), so that callers which failed together do not retry together. */
export function jittered(pauseMs: number): number {
  return pauseMs * Math.random();
}
