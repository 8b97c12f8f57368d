import assert from 'node:assert/strict';
import type { Fault } from '../in-memory.secret-manager';
import { everythingOf, outcomeOf, read, told, valueOf, type Outcome } from './ask';
import type { CaseDefinition, Subject } from './harness';

const KEY = 'CONFORMANCE_KEY';
const VALUE = 'sk-conformance-4242';

const CODES: readonly (readonly [fault: Fault, what: string, codes: readonly string[]])[] = [
  ['unavailable', 'a store that cannot be reached', ['UNAVAILABLE', 'TIMEOUT']],
  ['denied', 'a store that denies access', ['ACCESS_DENIED']],
  ['unauthenticated', 'a store that does not know the caller', ['UNAUTHENTICATED']],
  ['throttled', 'a store that asks for fewer calls', ['THROTTLED']],
  ['malformed', 'a store that answers nonsense', ['MALFORMED']],
];

async function broken(subject: Subject, fault: Fault): Promise<void> {
  await subject.seed(KEY, VALUE);
  await subject.fail(fault);
}

/** Long enough for any store to have got the call, and the manager its hands on the signal. */
function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

export const failureCases: readonly CaseDefinition[] = [
  ...CODES.map(([fault, what, codes]): CaseDefinition => ({
    title: `fails with ${codes.join(' or ')} at ${what}`,
    breaksStore: true,
    async run(subject) {
      await broken(subject, fault);

      const outcome = await outcomeOf(subject, () => read(subject, KEY));

      assert.ok(codes.includes(told(outcome)), told(outcome));
    },
  })),
  ...CODES.map(([fault, what]): CaseDefinition => ({
    title: `answers no absence, not even for a secret that is not there, at ${what}`,
    breaksStore: true,
    async run(subject) {
      await broken(subject, fault);

      const outcome = await outcomeOf(subject, () => read(subject, 'CONFORMANCE_ABSENT'));

      assert.ok('failure' in outcome, told(outcome));
    },
  })),
  ...CODES.map(([fault, what]): CaseDefinition => ({
    title: `shows no value and no credential in the error at ${what}`,
    breaksStore: true,
    async run(subject) {
      await broken(subject, fault);

      const outcome: Outcome<unknown> = await outcomeOf(subject, () => read(subject, KEY));

      const shown =
        'failure' in outcome ? everythingOf(outcome.thrown) + everythingOf(outcome.failure) : '';
      for (const canary of [VALUE, ...subject.canaries]) {
        assert.ok(!shown.includes(canary), 'the error shows what must not be shown');
      }
    },
  })),
  ...CODES.filter(([fault]) => fault !== 'malformed').map(
    ([fault, what, codes]): CaseDefinition => ({
      title: `fails with ${codes.join(' or ')} for each of several secrets, or for all, at ${what}`,
      breaksStore: true,
      async run(subject) {
        await broken(subject, fault);

        const outcome = await outcomeOf(subject, async () => {
          const answers = await subject.manager.readSecrets([KEY, 'CONFORMANCE_ABSENT']);
          const failed = [KEY, 'CONFORMANCE_ABSENT'].map((name) => answers.get(name));
          for (const answer of failed)
            assert.ok(answer instanceof Error, 'answered in spite of the failure');
          throw failed[0] as Error;
        });

        assert.ok(codes.includes(told(outcome)), told(outcome));
      },
    }),
  ),
  ...CODES.filter(([fault]) => fault === 'unavailable' || fault === 'denied').map(
    ([fault, what, codes]): CaseDefinition => ({
      title: `fails to write with ${codes.join(' or ')} at ${what}`,
      needs: ['write'],
      breaksStore: true,
      async run(subject) {
        await broken(subject, fault);

        const outcome = await outcomeOf(subject, () =>
          subject.manager.writeSecret(KEY, 'sk-new-4242'),
        );

        assert.ok(codes.includes(told(outcome)), told(outcome));
        const shown = 'failure' in outcome ? everythingOf(outcome.thrown) : '';
        assert.ok(
          !shown.includes('sk-new-4242'),
          'the error shows the value that was to be written',
        );
      },
    }),
  ),
  {
    title: 'fails to delete at a store that cannot be reached',
    needs: ['delete'],
    breaksStore: true,
    async run(subject) {
      await broken(subject, 'unavailable');

      const outcome = await outcomeOf(subject, () => subject.manager.deleteSecret(KEY));

      assert.ok(['UNAVAILABLE', 'TIMEOUT'].includes(told(outcome)), told(outcome));
    },
  },
  {
    title: 'answers again when the store is well again',
    breaksStore: true,
    async run(subject) {
      await broken(subject, 'denied');
      await outcomeOf(subject, () => read(subject, KEY));

      await subject.fail(undefined);

      assert.equal(await valueOf(subject, KEY), VALUE);
    },
  },
  {
    title: 'ends a call that hangs when its signal aborts',
    breaksStore: true,
    async run(subject) {
      await broken(subject, 'hanging');
      const controller = new AbortController();

      const outcome = outcomeOf(subject, () => read(subject, KEY, { signal: controller.signal }));
      await aMoment();
      controller.abort();

      assert.ok(['CANCELLED', 'TIMEOUT'].includes(told(await outcome)), told(await outcome));
    },
  },
  {
    title: 'does not answer a call whose signal was aborted before, where the store hangs',
    breaksStore: true,
    async run(subject) {
      await broken(subject, 'hanging');

      const outcome = await outcomeOf(subject, () =>
        read(subject, KEY, { signal: AbortSignal.abort() }),
      );

      assert.ok(['CANCELLED', 'TIMEOUT'].includes(told(outcome)), told(outcome));
    },
  },
  {
    title: 'lets other calls alone when one is aborted',
    async run(subject) {
      await subject.seed(KEY, VALUE);
      const controller = new AbortController();

      const aborted = outcomeOf(subject, () => read(subject, KEY, { signal: controller.signal }));
      const other = valueOf(subject, KEY);
      controller.abort();
      await aborted;

      assert.equal(await other, VALUE);
    },
  },
];
