import assert from 'node:assert/strict';
import { isErrorLike } from '../../../core/errors/safe-access';
import type { Fault } from '../../given-fault';
import { outcomeOf, read, readSync, summaryOf, valueOf } from '../ask';
import type { Capability, CaseDefinition, Subject } from '../harness';
import { NEW_VALUE, VALUE } from '../leaks';

const KEY = 'CONFORMANCE_KEY';
const ABSENT = 'CONFORMANCE_ABSENT';

export const FAULTS: readonly (readonly [fault: Fault, what: string, codes: readonly string[]])[] =
  [
    ['unavailable', 'a store that cannot be reached', ['UNAVAILABLE', 'TIMEOUT']],
    ['denied', 'a store that denies access', ['ACCESS_DENIED']],
    ['unauthenticated', 'a store that does not know the caller', ['UNAUTHENTICATED']],
    ['throttled', 'a store that asks for fewer calls', ['THROTTLED']],
    ['malformed', 'a store that answers nonsense', ['MALFORMED']],
  ];

/** The faults that a store reports before it looks at the secret. Every operation fails alike. */
const REFUSALS = FAULTS.filter(([fault]) => fault !== 'malformed');

const CHANGES: readonly (readonly [
  what: string,
  needs: Capability,
  call: (subject: Subject) => Promise<unknown>,
])[] = [
  ['write', 'write', ({ manager }) => manager.writeSecret(KEY, NEW_VALUE)],
  ['delete', 'delete', ({ manager }) => manager.deleteSecret(KEY)],
];

export const failureCases: readonly CaseDefinition[] = [
  ...FAULTS.map(([fault, what, codes]): CaseDefinition => ({
    title: `fails with ${codes.join(' or ')} at ${what}`,
    fault,
    async run(subject) {
      await breakStore(subject, fault);

      const outcome = await outcomeOf(subject, () => read(subject, KEY));

      assert.ok(codes.includes(summaryOf(outcome)), summaryOf(outcome));
    },
  })),
  ...FAULTS.map(([fault, what]): CaseDefinition => ({
    title: `answers no absence, not even for a secret that is not there, at ${what}`,
    fault,
    async run(subject) {
      await breakStore(subject, fault);

      const outcome = await outcomeOf(subject, () => read(subject, ABSENT));

      assert.ok('failure' in outcome, summaryOf(outcome));
    },
  })),
  ...FAULTS.map(([fault, what, codes]): CaseDefinition => ({
    title: `fails at once with ${codes.join(' or ')} at ${what}, and answers no absence`,
    needs: ['sync'],
    fault,
    async run(subject) {
      await breakStore(subject, fault);

      const outcome = await outcomeOf(subject, () => readSync(subject, KEY));

      assert.ok(codes.includes(summaryOf(outcome)), summaryOf(outcome));
    },
  })),
  ...REFUSALS.map(([fault, what, codes]): CaseDefinition => ({
    title: `fails with ${codes.join(' or ')} for each of several secrets, or for all, at ${what}`,
    fault,
    async run(subject) {
      await breakStore(subject, fault);

      const outcome = await outcomeOf(subject, async () => {
        const answers = await subject.manager.readSecrets([KEY, ABSENT]);
        const failed = [KEY, ABSENT].map((name) => answers.get(name));
        for (const answer of failed)
          assert.ok(isErrorLike(answer), 'answered in spite of the failure');
        throw failed[0] as Error;
      });

      assert.ok(codes.includes(summaryOf(outcome)), summaryOf(outcome));
    },
  })),
  ...CHANGES.flatMap(([change, needs, call]) =>
    REFUSALS.map(([fault, what, codes]): CaseDefinition => ({
      title: `fails to ${change} with ${codes.join(' or ')} at ${what}`,
      needs: [needs],
      fault,
      async run(subject) {
        await breakStore(subject, fault);

        const outcome = await outcomeOf(subject, () => call(subject));

        assert.ok(codes.includes(summaryOf(outcome)), summaryOf(outcome));
      },
    })),
  ),
  ...REFUSALS.filter(([fault]) => fault !== 'unauthenticated').map(
    ([fault, what]): CaseDefinition => ({
      title: `answers again, and what it did, when the store is well again, after ${what}`,
      fault,
      async run(subject) {
        await breakStore(subject, fault);
        await outcomeOf(subject, () => read(subject, KEY));
        for (const [, , call] of CHANGES) await outcomeOf(subject, () => call(subject));

        await subject.fail(undefined);

        assert.equal(await valueOf(subject, KEY), VALUE);
      },
    }),
  ),
];

async function breakStore(subject: Subject, fault: Fault): Promise<void> {
  await subject.seed(KEY, VALUE);
  await subject.fail(fault);
}
