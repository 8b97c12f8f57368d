import { setTimeout as pause } from 'node:timers/promises';

/** The number of rotations of each feed. `LIVE_ROTATIONS=1000` runs the long form. */
export const ROTATIONS = Number(process.env.LIVE_ROTATIONS ?? 100);

const CALLERS = 50;
const PACE_MS = 10;

export interface Scenario {
  readonly feed: string;
  /** One call of the application. Rejects if the credential does not work. */
  readonly call: () => Promise<unknown>;
  /** Makes the credential of a round valid, and has the application read it. */
  readonly rotate: (round: number) => Promise<void>;
  /** Removes the credential of a round. */
  readonly remove: (round: number) => Promise<void>;
  /** The time for which a replaced credential stays valid. Default 400 ms. */
  readonly overlapMs?: number;
  /** The pause of a caller between two calls. Default 1 ms. */
  readonly pauseMs?: number;
}

export interface Counts {
  readonly rotations: number;
  readonly calls: number;
  readonly failures: readonly unknown[];
}

/** Rotates again and again while 50 callers use the credential, and counts the calls that failed. */
export async function rotateUnderLoad(scenario: Scenario): Promise<Counts> {
  const { feed, call, rotate, remove, overlapMs = 400, pauseMs = 1 } = scenario;
  const startedAt = Date.now();
  const failures: unknown[] = [];
  let calls = 0;
  let answered = 0;
  let isOver = false;
  const callAgainAndAgain = async (): Promise<void> => {
    while (!isOver) {
      calls += 1;
      await call().catch((error: unknown) => failures.push(error));
      answered += 1;
      await pause(pauseMs);
    }
  };
  const callers = Array.from({ length: CALLERS }, callAgainAndAgain);
  const removals: Promise<void>[] = [];
  for (let round = 1; round <= ROTATIONS; round += 1) {
    const before = answered;
    await rotate(round);
    removals.push(pause(overlapMs).then(() => remove(round - 1)));
    await pause(PACE_MS);
    while (answered === before) await pause(1);
  }
  await Promise.all(removals);
  const before = calls;
  while (calls < before + CALLERS) await pause(5); // with the last credential only
  isOver = true;
  await Promise.all(callers);
  const counts = { rotations: ROTATIONS, calls, failures };
  print(feed, counts, Date.now() - startedAt);
  return counts;
}

function print(feed: string, { rotations, calls, failures }: Counts, tookMs: number): void {
  const seconds = (tookMs / 1000).toFixed(1);
  process.stdout.write(
    `${feed}: ${rotations} rotations, ${calls} calls, ${failures.length} failed, ${seconds} s\n`,
  );
}
