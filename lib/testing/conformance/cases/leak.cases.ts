import assert from 'node:assert/strict';
import { isErrorLike } from '../../../core/errors/safe-access';
import { outcomeOf, read, readSync, summaryOf } from '../ask';
import { FAULTS } from './failure.cases';
import type { CaseDefinition, Subject } from '../harness';
import { NEW_VALUE, VALUE, assertShowsNothing } from '../leaks';

const KEY = 'CONFORMANCE_KEY';

/**
 * All operations. One that the manager lacks fails, too, and its error must show nothing either. A missing
 * synchronous read is left out.
 */
const OPERATIONS: Readonly<Record<string, (subject: Subject) => unknown>> = {
  readSecret: (subject) => read(subject, KEY),
  readSecrets: async ({ manager }) => {
    const answer = (await manager.readSecrets([KEY])).get(KEY);
    if (isErrorLike(answer)) throw answer;
  },
  readSecretSync: (subject) => readSync(subject, KEY),
  writeSecret: ({ manager }) => manager.writeSecret(KEY, NEW_VALUE),
  deleteSecret: ({ manager }) => manager.deleteSecret(KEY),
  describeSecret: ({ manager }) => manager.describeSecret(KEY),
  checkHealth: ({ manager }) => manager.checkHealth(),
};

export const leakCases: readonly CaseDefinition[] = [
  ...FAULTS.map(([fault, what]): CaseDefinition => ({
    title: `shows no value and no credential in any error at ${what}`,
    fault,
    async run(subject) {
      await subject.seed(KEY, VALUE);
      await subject.fail(fault);

      for (const [operation, call] of Object.entries(OPERATIONS)) {
        if (operation === 'readSecretSync' && subject.lacks.includes('sync')) continue;
        const outcome = await outcomeOf(subject, () => call(subject));

        if ('answer' in outcome) continue;
        assertShowsNothing(outcome.thrown, subject.canaries, `the error of ${operation}`);
        assertShowsNothing(outcome.failure, subject.canaries, `the error of ${operation}`);
      }
    },
  })),
  {
    title: 'shows no value and no credential in the error about a secret that exists',
    needs: ['write', 'createOnly'],
    async run(subject) {
      await subject.seed(KEY, VALUE);

      const outcome = await outcomeOf(subject, () =>
        subject.manager.writeSecret(KEY, NEW_VALUE, { createOnly: true }),
      );

      assert.ok('failure' in outcome, summaryOf(outcome));
      assertShowsNothing(outcome.thrown, subject.canaries, 'the error');
    },
  },
  {
    title: 'tells nothing of the value in what it says of a write',
    needs: ['write'],
    async run({ manager, canaries }) {
      const metadata = await manager.writeSecret(KEY, VALUE);

      assertShowsNothing(metadata, canaries, 'the metadata');
    },
  },
  {
    title: 'tells nothing of the value in what it says of a deletion',
    needs: ['delete'],
    async run(subject) {
      const { manager, canaries } = subject;
      await subject.seed(KEY, VALUE);

      const metadata = await manager.deleteSecret(KEY);

      assertShowsNothing(metadata, canaries, 'the metadata');
    },
  },
  {
    title: 'tells nothing of the value in its description of a secret',
    async run(subject) {
      const { manager, canaries } = subject;
      await subject.seed(KEY, VALUE);

      const description = await manager.describeSecret(KEY);

      assertShowsNothing(description, canaries, 'the description');
    },
  },
];
