import assert from 'node:assert/strict';
import { outcomeOf, trySeed, valuesOf } from '../ask';
import type { CaseDefinition } from '../harness';

/** Valid names that a store may still refuse. */
const ODD_NAMES = ['a name?#[*]', 'n'.repeat(400)];

export const batchCases: readonly CaseDefinition[] = [
  {
    title: 'reads several secrets at once, and takes for absent what is not there',
    async run(subject) {
      await subject.seed('CONFORMANCE_A', 'a');
      await subject.seed('CONFORMANCE_B', 'b');

      const values = await valuesOf(subject, ['CONFORMANCE_A', 'CONFORMANCE_B', 'CONFORMANCE_C']);

      assert.deepEqual(values, {
        CONFORMANCE_A: 'a',
        CONFORMANCE_B: 'b',
        CONFORMANCE_C: undefined,
      });
    },
  },
  {
    title: 'reads an empty value among several, and does not take it for absent',
    needs: ['emptyValues'],
    async run(subject) {
      await subject.seed('CONFORMANCE_A', 'a');
      await subject.seed('CONFORMANCE_B', '');

      assert.deepEqual(await valuesOf(subject, ['CONFORMANCE_A', 'CONFORMANCE_B']), {
        CONFORMANCE_A: 'a',
        CONFORMANCE_B: '',
      });
    },
  },
  {
    title: 'reads more secrets at once than a store may take in one call',
    async run(subject) {
      const names = Array.from({ length: 45 }, (_, index) => `CONFORMANCE_${index}`);
      for (const name of names) await subject.seed(name, `value of ${name}`);

      const values = await valuesOf(subject, names);

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

      assert.deepEqual(await valuesOf(subject, ['CONFORMANCE_A', 'CONFORMANCE_A']), {
        CONFORMANCE_A: 'a',
      });
    },
  },
  {
    title: 'answers at once what it answers one by one',
    async run(subject) {
      const value = '{"a": 1} %25 \n ✓';
      await subject.seed('CONFORMANCE_A', value);

      assert.deepEqual(await valuesOf(subject, ['CONFORMANCE_A']), { CONFORMANCE_A: value });
    },
  },
  {
    title: 'answers under the names as they were given, whatever the order',
    async run(subject) {
      const names: string[] = [];
      for (const name of ['Conformance_C', 'conformance/B', 'CONFORMANCE-A']) {
        if (await trySeed(subject, name, `value of ${name}`)) names.push(name);
      }

      const values = await valuesOf(subject, names);

      assert.deepEqual(values, Object.fromEntries(names.map((name) => [name, `value of ${name}`])));
    },
  },
  {
    title: 'answers the others, and an error for the one of several secrets that cannot be read',
    spoilsSecret: true,
    async run(subject) {
      for (const name of ['A', 'B', 'C']) await subject.seed(`CONFORMANCE_${name}`, name);
      await subject.spoil('CONFORMANCE_B');

      const names = ['CONFORMANCE_A', 'CONFORMANCE_B', 'CONFORMANCE_C', 'CONFORMANCE_D'];
      const values = await valuesOf(subject, names);

      assert.deepEqual(values, {
        CONFORMANCE_A: 'A',
        CONFORMANCE_B: 'an error',
        CONFORMANCE_C: 'C',
        CONFORMANCE_D: undefined,
      });
    },
  },
  ...ODD_NAMES.map((odd): CaseDefinition => ({
    title: `answers the others where one of several names is ${shown(odd)}`,
    async run(subject) {
      await subject.seed('CONFORMANCE_A', 'a');
      await subject.seed('CONFORMANCE_B', 'b');

      const outcome = await outcomeOf(subject, () =>
        valuesOf(subject, ['CONFORMANCE_A', odd, 'CONFORMANCE_B']),
      );

      assert.ok('answer' in outcome, 'one name has lost the others');
      const { CONFORMANCE_A: a, CONFORMANCE_B: b, [odd]: other } = outcome.answer;
      assert.deepEqual([a, b], ['a', 'b']);
      assert.ok(other === undefined || other === 'an error', `${odd} was answered`);
    },
  })),
];

function shown(name: string): string {
  return name.length > 20 ? `${name.length} characters long` : JSON.stringify(name);
}
