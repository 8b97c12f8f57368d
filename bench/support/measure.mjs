/**
 * Measuring for the scripts of this folder. Machines are shared and noisy: a claim is a ratio of two figures that were taken
 * in turn in one process, and the median of many rounds.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const ROUNDS = 15;

setFlagsFromString('--expose-gc');
/** Collects all garbage, or the young with `{ type: 'minor' }`. */
export const collect = runInNewContext('gc');

/**
 * What one call of each candidate takes, in nanoseconds, measured in turn. A candidate does `batch` calls at a time, and nobody
 * pays for the garbage of the one before. The pace of a machine changes meanwhile, so that each is held against the first
 * candidate in the same round: its figure is the first one's median, times the median of what is between the two.
 */
export async function compare(candidates, { batch = 1, rounds = ROUNDS } = {}) {
  const names = Object.keys(candidates);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await candidates[name](batch); // warm-up
  for (const name of names) await candidates[name](batch);
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 ? names.toReversed() : names) {
      collect({ type: 'minor' });
      const start = process.hrtime.bigint();
      await candidates[name](batch);
      times[name].push(Number(process.hrtime.bigint() - start) / batch);
    }
  }
  const yardstick = times[names[0]];
  const usual = median(yardstick);
  const slowness = (name) => median(times[name].map((time, round) => time / yardstick[round]));
  return Object.fromEntries(names.map((name) => [name, usual * slowness(name)]));
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Prints one line per claim, and makes the process fail past the goal. */
export function report(goal, { what, figure, limit, ratio, atMost }) {
  const verdict = verdictOf(ratio, atMost);
  console.log(
    `${goal}  ${what}: ${figure}, against ${limit}: ${ratio.toFixed(2)} x (goal: at most ${atMost} x) ${verdict}`,
  );
  if (verdict === 'MISSED') process.exitCode = 1;
}

/** Runs on a shared machine differ by some percent, so that a figure within a tenth of its goal is no failure. */
function verdictOf(ratio, atMost) {
  if (ratio <= atMost) return 'ok';
  return ratio <= 1.1 * atMost ? 'over, by less than a tenth' : 'MISSED';
}
