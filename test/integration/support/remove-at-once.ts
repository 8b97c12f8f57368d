import { setTimeout as pause } from 'node:timers/promises';
import { ROTATIONS } from './rotate-under-load';

const CALLERS = 50;
const ROUNDS = Math.max(10, ROTATIONS / 10);
const STUCK_AFTER_MS = 20_000;

export interface AtOnce {
  readonly feed: string;
  /** The connections, or the calls on one connection, that a removal may fail. */
  readonly inHand: number;
  /** One call of the application, with what heals it. */
  readonly call: () => Promise<unknown>;
  /** Changes the credential in the server and in the store, and removes the former one. Nobody tells the application. */
  readonly replace: (round: number) => Promise<void>;
  /** Returns the number of reads that the store has answered. */
  readonly reads: () => number;
}

export interface Healed {
  /** The most calls that failed in one round. */
  readonly failed: number;
  /** The most reads of the store in one round. */
  readonly reads: number;
}

interface Round {
  readonly failures: readonly unknown[];
  readonly reads: number;
}

/**
 * Removes the credential at once, again and again, while 50 callers use it. A round ends when each caller had a call
 * that began after the removal and succeeded.
 */
export async function removeAtOnce(scenario: AtOnce): Promise<Healed> {
  const { feed, inHand, call, replace, reads } = scenario;
  let failures: unknown[] = [];
  let healed = new Set<number>();
  let round = 0;
  let calls = 0;
  let isOver = false;
  const callAgainAndAgain = async (caller: number): Promise<void> => {
    while (!isOver) {
      const begun = round;
      calls += 1;
      const isDone = await call().then(
        () => true,
        (error: unknown) => (failures.push(error), false),
      );
      if (isDone && begun === round) healed.add(caller);
      await pause(1);
    }
  };
  const allHealed = async (): Promise<void> => {
    const until = Date.now() + STUCK_AFTER_MS;
    while (healed.size < CALLERS) {
      if (Date.now() > until)
        throw new Error(
          `${feed}, round ${round}: ${CALLERS - healed.size} callers are stuck after ${String(failures.at(-1))}`,
        );
      await pause(2);
    }
  };
  const callers = Array.from({ length: CALLERS }, (_, caller) => callAgainAndAgain(caller));
  const rounds: Round[] = [];
  try {
    await allHealed();
    for (let next = 1; next <= ROUNDS; next += 1) {
      const before = reads();
      failures = [];
      await replace(next);
      [round, healed] = [next, new Set()];
      await allHealed();
      rounds.push({ failures, reads: reads() - before });
    }
  } finally {
    isOver = true;
  }
  await Promise.all(callers);
  const worst = {
    failed: Math.max(...rounds.map(({ failures }) => failures.length)),
    reads: Math.max(...rounds.map((round) => round.reads)),
  };
  print(feed, inHand, calls, rounds);
  return worst;
}

function print(feed: string, inHand: number, calls: number, rounds: readonly Round[]): void {
  const failed = rounds.map(({ failures }) => failures.length);
  const reads = rounds.map((round) => round.reads);
  const total = failed.reduce((sum, count) => sum + count, 0);
  process.stdout.write(
    `${feed}, removed at once: ${rounds.length} rounds, ${calls} calls, at most ${inHand} in hand, ` +
      `${total} failed, at most ${Math.max(...failed)} a round, ${Math.max(...reads)} reads a round\n`,
  );
}
