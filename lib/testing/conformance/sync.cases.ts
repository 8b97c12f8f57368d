import assert from 'node:assert/strict';
import { outcomeOf, readSync, told, valueOf } from './ask';
import type { CaseDefinition } from './harness';

const KEY = 'CONFORMANCE_KEY';

export const syncCases: readonly CaseDefinition[] = [
  ...['value', '', 'null', '{"a": 1}', 'Zürich 秘密 🔑'].map((value): CaseDefinition => ({
    title: `answers ${JSON.stringify(value)} at once, and unchanged`,
    needs: ['sync'],
    async run(subject) {
      await subject.seed(KEY, value);

      assert.equal(readSync(subject, KEY)?.value, value);
    },
  })),
  {
    title: 'answers undefined at once for a secret that is not there',
    needs: ['sync'],
    async run(subject) {
      assert.equal(readSync(subject, 'CONFORMANCE_ABSENT'), undefined);
    },
  },
  {
    title: 'answers at once what it answers later',
    needs: ['sync'],
    async run(subject) {
      await subject.seed(KEY, ' 100%25 ');

      assert.equal(readSync(subject, KEY)?.value, await valueOf(subject, KEY));
    },
  },
  {
    title: 'fails at once where the store cannot be reached, and answers no absence',
    needs: ['sync'],
    breaksStore: true,
    async run(subject) {
      await subject.seed(KEY, 'value');
      await subject.fail('unavailable');

      const outcome = await outcomeOf(subject, () => readSync(subject, KEY));

      assert.ok(['UNAVAILABLE', 'TIMEOUT'].includes(told(outcome)), told(outcome));
    },
  },
  {
    title: 'fails at once where access is denied, and answers no absence',
    needs: ['sync'],
    breaksStore: true,
    async run(subject) {
      await subject.seed(KEY, 'value');
      await subject.fail('denied');

      assert.equal(told(await outcomeOf(subject, () => readSync(subject, KEY))), 'ACCESS_DENIED');
    },
  },
];
