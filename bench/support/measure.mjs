/**
 * Measuring for the scripts of this folder. Machines are shared and noisy: a claim is a ratio of two figures that were taken
 * in turn in one process, and the median of many rounds.
 */

const ROUNDS = 15;

/** Median time of one call of each candidate, in nanoseconds, measured in turn. A candidate does `batch` calls at a time. */
export async function compare(candidates, { batch = 1, rounds = ROUNDS } = {}) {
  const names = Object.keys(candidates);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) await candidates[name](batch); // warm-up
  for (const name of names) await candidates[name](batch);
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const start = process.hrtime.bigint();
      await candidates[name](batch);
      times[name].push(Number(process.hrtime.bigint() - start) / batch);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])]));
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Prints one line per claim, and makes the process fail past the goal. */
export function report(goal, { what, figure, limit, ratio, atMost }) {
  const holds = ratio <= atMost;
  console.log(
    `${goal}  ${what}: ${figure}, against ${limit}: ${ratio.toFixed(2)} x (goal: at most ${atMost} x) ${holds ? 'ok' : 'MISSED'}`,
  );
  if (!holds) process.exitCode = 1;
}
