import assert from 'node:assert/strict';
import { toReading } from '../../core/answers';
import type { OperationOptions } from '../../core/custom-secret-manager';
import type { CaseDefinition, Subject } from './harness';

async function readMany(
  { manager }: Subject,
  names: readonly string[],
  options?: OperationOptions,
): Promise<Record<string, unknown>> {
  const answers = await manager.readSecrets(names, options);
  const context = { manager: manager.secretManagerName, operation: 'readSecrets' };
  return Object.fromEntries(
    names.map((name) => {
      const answer = answers.get(name);
      return [name, answer instanceof Error ? 'an error' : toReading(answer, context)?.value];
    }),
  );
}

export const batchCases: readonly CaseDefinition[] = [
  {
    title: 'reads several secrets at once, and takes for absent what is not there',
    async run(subject) {
      await subject.seed('CONFORMANCE_A', 'a');
      await subject.seed('CONFORMANCE_B', '');

      const values = await readMany(subject, ['CONFORMANCE_A', 'CONFORMANCE_B', 'CONFORMANCE_C']);

      assert.deepEqual(values, {
        CONFORMANCE_A: 'a',
        CONFORMANCE_B: '',
        CONFORMANCE_C: undefined,
      });
    },
  },
  {
    title: 'reads more secrets at once than a store may take in one call',
    async run(subject) {
      const names = Array.from({ length: 45 }, (_, index) => `CONFORMANCE_${index}`);
      for (const name of names) await subject.seed(name, `value of ${name}`);

      const values = await readMany(subject, names);

      assert.deepEqual(values, Object.fromEntries(names.map((name) => [name, `value of ${name}`])));
    },
  },
  {
    title: 'reads none at once',
    async run(subject) {
      assert.equal((await subject.manager.readSecrets([])).size, 0);
    },
  },
  {
    title: 'reads at once a name that is given twice',
    async run(subject) {
      await subject.seed('CONFORMANCE_A', 'a');

      assert.deepEqual(await readMany(subject, ['CONFORMANCE_A', 'CONFORMANCE_A']), {
        CONFORMANCE_A: 'a',
      });
    },
  },
  {
    title: 'answers at once what it answers one by one',
    async run(subject) {
      const value = '{"a": 1} %25 \n ✓';
      await subject.seed('CONFORMANCE_A', value);

      assert.deepEqual(await readMany(subject, ['CONFORMANCE_A']), { CONFORMANCE_A: value });
    },
  },
];
