/**
 * Measurements for the scripts of this folder. Machines are shared and noisy. A claim is a ratio of two figures that
 * were measured in turn in one process, and the median of many rounds.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const ROUNDS = 15;

setFlagsFromString('--expose-gc');
/** Collects all garbage, or only the young generation with `{ type: 'minor' }`. */
export const collect = runInNewContext('gc');

/**
 * Returns the time of one call of each candidate in nanoseconds, measured in turn. A candidate makes `batch` calls at a
 * time, and never pays for the garbage of another. The speed of a machine changes, so each candidate is compared with
 * the first one of the same round. Its figure is the median of the first one, times the median of these ratios.
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

/** Prints one line per claim. Makes the process fail if a goal is missed. */
export function report(goal, { what, figure, limit, ratio, atMost }) {
  const verdict = verdictOf(ratio, atMost);
  console.log(
    `${goal}  ${what}: ${figure}, against ${limit}: ${ratio.toFixed(2)} x (goal: at most ${atMost} x) ${verdict}`,
  );
  if (verdict === 'MISSED') process.exitCode = 1;
}

/**
 * Returns the verdict. Runs on a shared machine differ by some percent, so a figure within a tenth of its goal is no
 * failure.
 */
function verdictOf(ratio, atMost) {
  if (ratio <= atMost) return 'ok';
  return ratio <= 1.1 * atMost ? 'over, by less than a tenth' : 'MISSED';
}
