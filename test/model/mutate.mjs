/**
 * Proves that the model test finds defects. Each mutation breaks one place on a copy, and the model must fail. An
 * argument selects the mutations whose `breaks` contains it: `node test/model/mutate.mjs stale`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = join(import.meta.dirname, '../..');
const COPIED = [
  'lib',
  'test/model',
  'test/support',
  'jest.config.cjs',
  'package.json',
  'tsconfig.json',
];

/** The mutations. `from` must stand in its file exactly once. */
const MUTATIONS = [
  {
    breaks: 'an equal value is told as a change',
    file: 'lib/service/changes/secret-changes.ts',
    from: 'last.digest !== digest;',
    to: 'true;',
  },
  {
    breaks: 'a change is told before the cache serves it',
    file: 'lib/policies/cache/cached-secrets.ts',
    from: 'this.store(read, reading, startedAt, cause);\n    if (this.#observers.size > 0) this.report(read, reading, cause);',
    to: 'if (this.#observers.size > 0) this.report(read, reading, cause);\n    this.store(read, reading, startedAt, cause);',
  },
  {
    breaks: 'a written value is not told',
    file: 'lib/policies/cache/cached-secrets.ts',
    from: 'if (this.#observers.size > 0) this.report(read, reading, cause);',
    to: "if (this.#observers.size > 0 && source === 'read') this.report(read, reading, cause);",
  },
  {
    breaks: 'an absence forgets the value before it',
    file: 'lib/service/changes/secret-changes.ts',
    from: 'secret.wasAbsent ||= outcome === undefined;',
    to: 'secret.wasAbsent ||= outcome === undefined;\n      secret.last = undefined;',
  },
  {
    breaks: 'staleness has no bound',
    file: 'lib/policies/cache/freshness.ts',
    from: 'return Math.min(boundMs, validForMs);',
    to: 'return Math.min(Infinity, validForMs);',
  },
  {
    breaks: 'a denial leaves the cached value in place',
    file: 'lib/policies/cache/cached-secrets.ts',
    from: "if (!isTransient(error) && !hasCode(error, 'CANCELLED')) this.drop(read.key);",
    to: '',
  },
  {
    breaks: 'a read in flight brings the value back that a write replaced',
    file: 'lib/policies/single-flight/single-flight.policy.ts',
    from: 'else this.#observer?.onAnswer(flight, reading, startedAt);',
    to: 'this.#observer?.onAnswer(flight, reading, startedAt);',
  },
  {
    breaks: 'a read after a write joins one from before it',
    file: 'lib/policies/single-flight/flights.ts',
    from: 'flight.isSuperseded = true;\n      this.detach(flight);',
    to: 'flight.isSuperseded = true;',
  },
  {
    breaks: 'a value that is served becomes younger',
    file: 'lib/policies/cache/cache-hits.ts',
    from: "if (state === 'stale') this.#refreshes.refreshWhenDue(read);",
    to: "if (state === 'stale') Object.assign(entry, { readAt: Math.trunc(this.#clock.now()) });",
  },
  {
    breaks: 'concurrent reads each make a call',
    file: 'lib/policies/single-flight/single-flight.policy.ts',
    from: 'this.flightFor(key, options) ?? this.launchRead(',
    to: 'this.launchRead(',
  },
  {
    breaks: 'a read with maxAgeMs joins a call that is older than its question',
    file: 'lib/policies/single-flight/single-flight.policy.ts',
    from: 'return isRecent ? flight : this.#flights.follow(flight, options);',
    to: 'return flight;',
  },
  {
    breaks: 'the order of overlapping writes decides what is cached',
    file: 'lib/policies/writes/writes.policy.ts',
    from: 'if (!writes.overlapped) store(read, written);',
    to: 'store(read, written);',
  },
  {
    breaks: 'a write whose outcome is unknown keeps the old value',
    file: 'lib/policies/writes/writes.policy.ts',
    from: 'if (mayHaveChanged(error))',
    to: 'if (mayHaveChanged(error) && false)',
  },
  {
    breaks: 'maxAgeMs 0 is answered from the cache',
    file: 'lib/policies/cache/freshness.ts',
    from: 'if (ageMs >= maxAgeMs || isLeaseOver(entry, ageMs)) return undefined;',
    to: 'if (isLeaseOver(entry, ageMs)) return undefined;',
  },
  {
    breaks: 'a replica that lags is believed',
    file: 'lib/policies/writes/recent-writes.ts',
    from: 'return wasDeleted || !written.every(',
    to: 'return false && !written.every(',
  },
  {
    breaks: 'the time asleep does not count',
    file: 'lib/core/time/clock.ts',
    from: 'this.#asleepMs += Math.max(0, gainedMs);',
    to: '',
  },
  {
    breaks: 'one secret alone opens the circuit of the store',
    file: 'lib/policies/circuit-breaker/circuit-board.ts',
    from: 'const minNames = failureThreshold === 1 || holdsOneSecret ? 1 : 2;',
    to: 'const minNames = 1;',
  },
];

const wanted = MUTATIONS.filter(({ breaks }) => breaks.includes(process.argv[2] ?? ''));
const pending = [...wanted];
let killed = 0;
const takeTurns = async () => {
  for (let next = pending.shift(); next; next = pending.shift()) {
    if (await isKilled(next)) killed += 1;
  }
};
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, takeTurns));
console.log(`${killed} passed, ${wanted.length - killed} failed`);
process.exit(killed === wanted.length ? 0 : 1);

async function isKilled({ breaks, file, from, to }) {
  const copy = mkdtempSync(join(tmpdir(), 'mutation-'));
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const source = readFileSync(join(copy, file), 'utf8');
    if (source.split(from).length !== 2)
      throw new Error(`${file} does not have this just once: ${from}`);
    writeFileSync(
      join(copy, file),
      source.replace(from, () => to),
    );
    const jest = join(copy, 'node_modules/jest/bin/jest.js');
    const run = spawn(process.execPath, [jest, 'test/model/pipeline', '--rootDir', copy], {
      cwd: copy,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MODEL_RUNS: '20000' },
    });
    const [stderr, [code]] = await Promise.all([text(run.stderr), once(run, 'close')]);
    const seen = /Cause:\s+(.*)/.exec(stderr)?.[1] ?? '';
    console.log(`${code === 0 ? 'SURVIVED' : 'killed  '}  ${breaks}${seen && `: ${seen}`}`);
    return code !== 0 && seen !== '';
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
