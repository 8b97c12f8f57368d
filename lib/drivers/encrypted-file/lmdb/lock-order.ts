import { sharedByCopies } from '../../../core/contract/package-copies';

/** The transactions of this process that hold or await a lock of LMDB, and the openings that await their end. */
interface Activity {
  readonly transactions: Set<Promise<unknown>>;
  readonly openings: Set<Promise<unknown>>;
}

/**
 * Runs a transaction of LMDB. Its work needs the main thread while it holds the lock, so it lets an opening go first,
 * which blocks that thread.
 */
export async function inTransaction<T>(transact: () => Promise<T>): Promise<T> {
  const { transactions, openings } = activity();
  while (openings.size > 0) await Promise.allSettled(openings);
  return await during(transactions, transact());
}

/**
 * Opens an LMDB file when no transaction of this process needs the main thread. LMDB takes its lock to open a file, and
 * blocks the main thread until then.
 */
export async function betweenTransactions<T>(open: () => T): Promise<T> {
  const { transactions, openings } = activity();
  const opening = async (): Promise<T> => {
    while (transactions.size > 0) await Promise.allSettled(transactions);
    return open();
  };
  return await during(openings, opening());
}

async function during<T>(set: Set<Promise<unknown>>, running: Promise<T>): Promise<T> {
  set.add(running);
  try {
    return await running;
  } finally {
    set.delete(running);
  }
}

/** Returns the activity of the process: another copy of this package may have opened the same file. */
function activity(): Activity {
  return sharedByCopies('activity of LMDB', () => ({
    transactions: new Set(),
    openings: new Set(),
  }));
}
