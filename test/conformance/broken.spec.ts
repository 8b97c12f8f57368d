import {
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { abortBreaks } from './broken/abort.breaks';
import { batchBreaks } from './broken/batch.breaks';
import type { Break } from './broken/break';
import { CorrectSecretManager, TOKEN } from './broken/correct.secret-manager';
import { describingBreaks } from './broken/describing.breaks';
import { failureBreaks } from './broken/failure.breaks';
import { leakBreaks } from './broken/leak.breaks';
import { lifecycleBreaks } from './broken/lifecycle.breaks';
import { nameBreaks } from './broken/name.breaks';
import { PathStore } from './broken/path-store';
import { readingBreaks } from './broken/reading.breaks';
import { removingBreaks } from './broken/removing.breaks';
import { valueBreaks } from './broken/value.breaks';
import { writingBreaks } from './broken/writing.breaks';

const BREAKS: readonly Break[] = [
  ...valueBreaks,
  ...readingBreaks,
  ...nameBreaks,
  ...batchBreaks,
  ...writingBreaks,
  ...describingBreaks,
  ...removingBreaks,
  ...failureBreaks,
  ...leakBreaks,
  ...abortBreaks,
  ...lifecycleBreaks,
];

const LANES = 32;

function harnessFor(Manager: Break['Manager'], caseTimeoutMs: number): ConformanceHarness {
  let store = new PathStore();
  return {
    create: () => new Manager((store = new PathStore())),
    seed: (name, value) => store.put(`/secrets/${name}`, value),
    spoil: (name) => store.spoil(`/secrets/${name}`),
    fail: (fault) => {
      store.fault = fault;
    },
    canaries: [TOKEN],
    caseTimeoutMs,
  };
}

/**
 * Resolves to the titles of the cases that a manager fails. Concurrent cases need separate stores, so each lane has
 * one.
 */
async function failuresOf(Manager: Break['Manager'], caseTimeoutMs = 300): Promise<string[]> {
  const titles = secretManagerConformance(harnessFor(Manager, caseTimeoutMs)).map(
    ({ title }) => title,
  );
  const failures = new Set<string>();
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    const cases = secretManagerConformance(harnessFor(Manager, caseTimeoutMs));
    for (const each of cases.filter((__, index) => index % LANES === lane))
      await each.run().catch(() => failures.add(each.title));
  });
  await Promise.all(lanes);
  return titles.filter((title) => failures.has(title));
}

function row(what: string, count: number | string, first: string): string {
  return `${what.padEnd(84)} ${String(count).padStart(8)}  ${first}`;
}

describe('The conformance kit', () => {
  const table: string[] = [];

  beforeAll(() => {
    Error.stackTraceLimit = 1; // jest maps each frame of each error to its source, which takes longer than the cases
  });

  /** Prints the number of cases that find each break, with `CONFORMANCE_TABLE=1 npx jest test/conformance/broken`. */
  afterAll(() => {
    if (!process.env.CONFORMANCE_TABLE) return;
    const head = row('what is broken', 'found by', 'the first case that finds it');
    process.stdout.write(`\n${[head, ...table].join('\n')}\n\n`);
  });

  it('raises no false alarm for a correct manager', async () => {
    const failures = await failuresOf(CorrectSecretManager, 4_000);

    expect(failures).toEqual([]);
  });

  it('is tried with different breaks', () => {
    expect(new Set(BREAKS.map(({ what }) => what)).size).toBe(BREAKS.length);
    expect(BREAKS.length).toBeGreaterThanOrEqual(100);
  });

  it.each(BREAKS)('finds a manager that $what', async ({ what, killedBy, Manager }) => {
    const failures = await failuresOf(Manager);
    const [first = '-'] = failures;
    table.push(row(`a manager that ${what}`, failures.length, first));

    expect(failures).toContainEqual(expect.stringContaining(killedBy));
  });
});
