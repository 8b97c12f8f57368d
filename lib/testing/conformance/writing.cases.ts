import assert from 'node:assert/strict';
import { everythingOf, outcomeOf, read, told, valueOf } from './ask';
import type { CaseDefinition } from './harness';
import { VALUES } from './reading.cases';

const KEY = 'CONFORMANCE_KEY';

/** A write of any value, but with the words that would tell it apart from a value of the case. */
const WRITTEN = VALUES.filter(([what]) =>
  [
    'an empty value',
    '"null"',
    'a JSON object',
    'letters of other scripts',
    'several lines',
    '64 KiB',
  ].includes(what),
);

export const writingCases: readonly CaseDefinition[] = [
  ...WRITTEN.map(([what, value]): CaseDefinition => ({
    title: `reads ${what} as it was written`,
    needs: ['write'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, value);

      assert.equal(await valueOf(subject, KEY), value);
    },
  })),
  {
    title: 'answers the new value after a secret has been written over',
    needs: ['write'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'one');
      await subject.manager.writeSecret(KEY, 'two');

      assert.equal(await valueOf(subject, KEY), 'two');
    },
  },
  {
    title: 'writes over what is there already',
    needs: ['write'],
    async run(subject) {
      await subject.seed(KEY, 'of somebody else');

      await subject.manager.writeSecret(KEY, 'mine');

      assert.equal(await valueOf(subject, KEY), 'mine');
    },
  },
  {
    title: 'leaves other secrets alone when it writes one',
    needs: ['write'],
    async run(subject) {
      await subject.seed('CONFORMANCE_OTHER', 'other');

      await subject.manager.writeSecret(KEY, 'value');

      assert.equal(await valueOf(subject, 'CONFORMANCE_OTHER'), 'other');
    },
  },
  {
    title: 'tells nothing of the value in what it says of a write',
    needs: ['write'],
    async run(subject) {
      const metadata = await subject.manager.writeSecret(KEY, 'sk-written-4242');

      assert.ok(
        !everythingOf(metadata).includes('sk-written-4242'),
        'the metadata holds the value',
      );
    },
  },
  {
    title: 'keeps description and tags out of the value',
    needs: ['write'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'value', {
        description: 'of the kit',
        tags: { kit: 'yes' },
      });

      assert.equal(await valueOf(subject, KEY), 'value');
    },
  },
  {
    title: 'leaves description and tags alone when it writes a value without any',
    needs: ['write'],
    async run(subject) {
      const { manager } = subject;
      await manager.writeSecret(KEY, 'one', { description: 'of the kit', tags: { kit: 'yes' } });
      const before = await manager.describeSecret(KEY);

      await manager.writeSecret(KEY, 'two');

      assert.deepEqual(await manager.describeSecret(KEY), before);
    },
  },
  {
    title: 'answers another version after a write',
    needs: ['write', 'versions'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'one');
      const first = await read(subject, KEY);
      await subject.manager.writeSecret(KEY, 'two');
      const second = await read(subject, KEY);

      assert.equal(typeof first?.version, 'string');
      assert.notEqual(first?.version, second?.version);
    },
  },
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

      assert.equal(told(outcome), 'CONFLICT');
      assert.equal(await valueOf(subject, KEY), 'first');
    },
  },
  {
    title: 'lets one of two win that create a secret at once',
    needs: ['write', 'createOnly'],
    async run(subject) {
      const create = (value: string): Promise<unknown> =>
        outcomeOf(subject, () =>
          subject.manager.writeSecret(KEY, value, { createOnly: true }),
        ).then(told);

      const outcomes = await Promise.all([create('one'), create('two')]);

      assert.equal(outcomes.filter((outcome) => outcome === 'CONFLICT').length, 1, outcomes.join());
    },
  },
  {
    title: 'answers undefined for a secret that was deleted',
    needs: ['delete'],
    async run(subject) {
      await subject.seed(KEY, 'value');

      await subject.manager.deleteSecret(KEY);

      assert.equal(await read(subject, KEY), undefined);
    },
  },
  {
    title: 'deletes at once where no recovery window is wanted',
    needs: ['delete'],
    async run(subject) {
      await subject.seed(KEY, 'value');

      await subject.manager.deleteSecret(KEY, { recoveryWindowInDays: 0 });

      assert.equal(await read(subject, KEY), undefined);
    },
  },
  {
    title: 'does not fail to delete a secret that is not there, or no more',
    needs: ['delete'],
    async run(subject) {
      await subject.manager.deleteSecret('CONFORMANCE_ABSENT');
      await subject.seed(KEY, 'value');
      await subject.manager.deleteSecret(KEY);
      await subject.manager.deleteSecret(KEY);

      assert.equal(await read(subject, KEY), undefined);
    },
  },
  {
    title: 'leaves other secrets alone when it deletes one',
    needs: ['delete'],
    async run(subject) {
      await subject.seed(KEY, 'value');
      await subject.seed(`${KEY}_TOO`, 'other');

      await subject.manager.deleteSecret(KEY);

      assert.equal(await valueOf(subject, `${KEY}_TOO`), 'other');
    },
  },
  {
    title: 'creates a secret anew that was deleted',
    needs: ['write', 'delete'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'old');
      await subject.manager.deleteSecret(KEY);

      await subject.manager.writeSecret(KEY, 'new');

      assert.equal(await valueOf(subject, KEY), 'new');
    },
  },
  {
    title: 'creates a secret anew with createOnly that was deleted',
    needs: ['write', 'delete', 'createOnly'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'old');
      await subject.manager.deleteSecret(KEY);

      await subject.manager.writeSecret(KEY, 'new', { createOnly: true });

      assert.equal(await valueOf(subject, KEY), 'new');
    },
  },
  {
    title: 'creates a secret anew that was deleted without a recovery window',
    needs: ['write', 'delete'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'old');
      await subject.manager.deleteSecret(KEY, { recoveryWindowInDays: 0 });

      await subject.manager.writeSecret(KEY, 'new');

      assert.equal(await valueOf(subject, KEY), 'new');
    },
  },
  {
    title: 'says until when a secret that was deleted can be restored',
    needs: ['delete', 'recovery'],
    async run(subject) {
      await subject.seed(KEY, 'value');

      const metadata = await subject.manager.deleteSecret(KEY, { recoveryWindowInDays: 7 });

      const days = ((metadata?.deletionAt?.getTime() ?? 0) - Date.now()) / 86_400_000;
      assert.ok(days > 6 && days < 8, `the store says ${String(metadata?.deletionAt)}`);
    },
  },
];
