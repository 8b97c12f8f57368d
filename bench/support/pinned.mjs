/** Starts the script again on one core. Latencies over loopback can be compared only if everything runs on one core. */
import { spawnSync } from 'node:child_process';

/** Tells whether this process is pinned. Without `taskset`, the script continues unpinned. */
export function pin() {
  if (process.env.BENCH_PINNED === 'yes') return true;
  const { status, error } = spawnSync(
    'taskset',
    ['-c', '0', process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, BENCH_PINNED: 'yes' } },
  );
  if (error !== undefined) return false;
  process.exit(status ?? 1);
}
