import { withTimeout } from '../with-timeout';
import { abortCases } from './cases/abort.cases';
import { batchCases } from './cases/batch.cases';
import { creatingCases } from './cases/creating.cases';
import { describingCases } from './cases/describing.cases';
import { failureCases } from './cases/failure.cases';
import type { CaseDefinition, ConformanceCase, ConformanceHarness, Subject } from './harness';
import { leakCases } from './cases/leak.cases';
import { lifecycleCases } from './cases/lifecycle.cases';
import { misleadingNameCases } from './cases/misleading-name.cases';
import { nameCases } from './cases/name.cases';
import { readingCases } from './cases/reading.cases';
import { removingCases } from './cases/removing.cases';
import { syncCases } from './cases/sync.cases';
import { writingCases } from './cases/writing.cases';

const CASES: readonly CaseDefinition[] = [
  ...readingCases,
  ...nameCases,
  ...misleadingNameCases,
  ...batchCases,
  ...writingCases,
  ...creatingCases,
  ...describingCases,
  ...removingCases,
  ...syncCases,
  ...failureCases,
  ...leakCases,
  ...abortCases,
  ...lifecycleCases,
];

/**
 * Returns the cases that a secret manager has to pass, for any test runner. The title of a case is one sentence. Each
 * case gets its own manager on an empty store. Declare missing capabilities in `lacks`; their cases show as skipped.
 */
export function secretManagerConformance(harness: ConformanceHarness): ConformanceCase[] {
  return CASES.map((definition) => ({
    title: definition.title,
    skip: reasonToSkip(definition, harness),
    run: () => runCase(definition, harness),
  }));
}

function reasonToSkip(
  { needs = [], fault, valueBytes = 0, spoilsSecret = false }: CaseDefinition,
  harness: ConformanceHarness,
): string | undefined {
  const lacking = needs.filter((capability) => harness.lacks?.includes(capability));
  if (lacking.length > 0) return `the manager declares that it lacks ${lacking.join(', ')}`;
  if (valueBytes > (harness.maxValueBytes ?? Infinity)) {
    return `the store takes at most ${harness.maxValueBytes} bytes`;
  }
  if (fault && !can(harness, 'fail')) return 'the harness cannot break the store';
  if (fault && harness.faults?.includes(fault) === false) return `the store is never ${fault}`;
  if (spoilsSecret && !can(harness, 'spoil')) return 'the harness cannot spoil one secret';
  return undefined;
}

function can(harness: ConformanceHarness, method: 'fail' | 'spoil'): boolean {
  return typeof Reflect.get(harness, method) === 'function';
}

async function runCase(definition: CaseDefinition, harness: ConformanceHarness): Promise<void> {
  const skip = reasonToSkip(definition, harness);
  if (skip !== undefined) throw new Error(`"${definition.title}" does not apply: ${skip}`);
  const { caseTimeoutMs = 4_000 } = harness;
  const manager = await harness.create();
  const subject: Subject = {
    manager,
    seed: async (name, value) => harness.seed(name, value),
    fail: async (fault) => harness.fail?.(fault),
    spoil: async (name) => harness.spoil?.(name),
    isPossible: (name) => harness.names?.isPossible(name),
    canaries: harness.canaries ?? [],
    lacks: harness.lacks ?? [],
  };
  try {
    await withTimeout(caseTimeoutMs, definition.run(subject));
  } finally {
    await cleanUp(subject, harness, caseTimeoutMs);
  }
}

async function cleanUp(
  { manager }: Subject,
  harness: ConformanceHarness,
  timeoutMs: number,
): Promise<void> {
  try {
    await harness.fail?.(undefined);
    await withTimeout(timeoutMs, Promise.resolve(manager.close()));
  } finally {
    await harness.dispose?.();
  }
}
