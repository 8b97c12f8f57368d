import assert from 'node:assert/strict';
import { outcomeOf, summaryOf, valueOf } from '../ask';
import type { CaseDefinition } from '../harness';

const KEY = 'CONFORMANCE_KEY';

export const creatingCases: readonly CaseDefinition[] = [
  {
    title: 'creates a secret with createOnly',
    needs: ['write', 'createOnly'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'value', { createOnly: true });

      assert.equal(await valueOf(subject, KEY), 'value');
    },
  },
  {
    title: 'refuses with CONFLICT to create a secret that exists, and leaves it as it is',
    needs: ['write', 'createOnly'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'first');

      const outcome = await outcomeOf(subject, () =>
        subject.manager.writeSecret(KEY, 'second', { createOnly: true }),
      );

      assert.equal(summaryOf(outcome), 'CONFLICT');
      assert.equal(await valueOf(subject, KEY), 'first');
    },
  },
  {
    title: 'lets one of two win that create a secret at once',
    needs: ['write', 'createOnly'],
    async run(subject) {
      const values = ['one', 'two'];

      const outcomes = await Promise.all(
        values.map((value) =>
          outcomeOf(subject, () => subject.manager.writeSecret(KEY, value, { createOnly: true })),
        ),
      );

      const codes = outcomes.map(summaryOf);
      assert.equal(codes.filter((code) => code === 'CONFLICT').length, 1, codes.join());
      const winner = values[codes.indexOf('CONFLICT') === 0 ? 1 : 0];
      assert.equal(await valueOf(subject, KEY), winner);
    },
  },
];
