import assert from 'node:assert/strict';
import { readSync, valueOf } from '../ask';
import type { CaseDefinition } from '../harness';

const KEY = 'CONFORMANCE_KEY';

export const syncCases: readonly CaseDefinition[] = [
  ...['value', '', 'null', '{"a": 1}', 'Zürich 秘密 🔑'].map((value): CaseDefinition => ({
    title: `answers ${JSON.stringify(value)} at once, and unchanged`,
    needs: value === '' ? ['sync', 'emptyValues'] : ['sync'],
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
];
