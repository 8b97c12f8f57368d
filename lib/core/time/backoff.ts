/** The shortest and the longest pause between failed attempts, in milliseconds. */
export interface BackoffBounds {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Returns the pause after `failures` failures in a row, 1 or more. The pause doubles from `firstMs` to
 * `longestMs`, without jitter.
 */
export function backoffMs(failures: number, { firstMs, longestMs }: BackoffBounds): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}

/**
 * Returns a random part of a pause ("full jitter"). Callers that failed together then do not retry together.
 */
export function jittered(pauseMs: number): number {
  return pauseMs * Math.random();
}
