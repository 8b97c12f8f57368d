/** Latencies over loopback are told apart only where everything runs on one core: starts the script once more, on one. */
import { spawnSync } from 'node:child_process';

/** Whether this process is pinned. Where `taskset` is not to be had, it goes on unpinned. */
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
