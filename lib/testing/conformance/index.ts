import { batchCases } from './batch.cases';
import { failureCases } from './failure.cases';
import type { CaseDefinition, ConformanceCase, ConformanceHarness, Subject } from './harness';
import { lifecycleCases } from './lifecycle.cases';
import { nameCases } from './name.cases';
import { readingCases } from './reading.cases';
import { syncCases } from './sync.cases';
import { writingCases } from './writing.cases';

const CASES: readonly CaseDefinition[] = [
  ...readingCases,
  ...nameCases,
  ...batchCases,
  ...writingCases,
  ...syncCases,
  ...failureCases,
  ...lifecycleCases,
];

/**
 * What a secret manager has to do, one sentence a case, for any test runner. Each case gets a manager of its own on an empty
 * store. What a manager is without has to be declared in `lacks`, and shows as a case that is skipped.
 */
export function secretManagerConformance(harness: ConformanceHarness): ConformanceCase[] {
  return CASES.map((definition) => ({
    title: definition.title,
    skip: reasonToSkip(definition, harness),
    run: () => runCase(definition, harness),
  }));
}

function reasonToSkip(
  { needs = [], breaksStore = false }: CaseDefinition,
  harness: ConformanceHarness,
): string | undefined {
  const lacking = needs.filter((capability) => harness.lacks?.includes(capability));
  if (lacking.length > 0) return `the manager declares that it lacks ${lacking.join(', ')}`;
  return breaksStore && typeof Reflect.get(harness, 'fail') !== 'function'
    ? 'the harness cannot break the store'
    : undefined;
}

async function runCase(definition: CaseDefinition, harness: ConformanceHarness): Promise<void> {
  const skip = reasonToSkip(definition, harness);
  if (skip !== undefined) throw new Error(`"${definition.title}" does not apply: ${skip}`);
  const manager = await harness.create();
  const subject: Subject = {
    manager,
    seed: async (name, value) => harness.seed(name, value),
    fail: async (fault) => harness.fail?.(fault),
    canaries: harness.canaries ?? [],
  };
  try {
    await definition.run(subject);
  } finally {
    await harness.fail?.(undefined);
    await manager.close();
    await harness.dispose?.();
  }
}
