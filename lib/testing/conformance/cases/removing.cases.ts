import assert from 'node:assert/strict';
import type { DeleteOptions } from '../../../core/contract/custom-secret-manager';
import { DAY_MS } from '../../../core/time/durations';
import { outcomeOf, read, trySeed, valueOf } from '../ask';
import type { Capability, CaseDefinition } from '../harness';

const KEY = 'CONFORMANCE_KEY';

const WINDOWS: readonly (readonly [what: string, days: number, options?: DeleteOptions])[] = [
  ['for seven days if the call does not say', 7],
  ['for as long as the call says', 10, { recoveryWindowInDays: 10 }],
];

/** Ways to delete a secret. Each frees its name. */
const WAYS: readonly (readonly [
  how: string,
  options?: DeleteOptions,
  needs?: readonly Capability[],
])[] = [
  [''],
  [' with a recovery window', { recoveryWindowInDays: 7 }, ['recovery']],
  [' without a recovery window', { recoveryWindowInDays: 0 }],
];

export const removingCases: readonly CaseDefinition[] = [
  {
    title: 'answers undefined for a secret that was deleted',
    needs: ['delete'],
    async run(subject) {
      await subject.seed(KEY, 'value');
      const before = await valueOf(subject, KEY);

      await subject.manager.deleteSecret(KEY);

      assert.deepEqual([before, await valueOf(subject, KEY)], ['value', undefined]);
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
      await subject.manager.deleteSecret('CONFORMANCE_ABSENT', { recoveryWindowInDays: 0 });
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
    title: 'leaves alone what lies below the name that it deletes',
    needs: ['delete'],
    async run(subject) {
      const isPossible = await trySeed(subject, 'team/app', 'value');

      await outcomeOf(subject, () => subject.manager.deleteSecret('team'));

      if (isPossible) assert.equal(await valueOf(subject, 'team/app'), 'value');
    },
  },
  ...WAYS.flatMap(([how, options, needs = []]): CaseDefinition[] => [
    {
      title: `creates a secret again that was deleted${how}`,
      needs: ['write', 'delete', ...needs],
      async run(subject) {
        await subject.manager.writeSecret(KEY, 'old');
        await subject.manager.deleteSecret(KEY, options);

        await subject.manager.writeSecret(KEY, 'new');

        assert.equal(await valueOf(subject, KEY), 'new');
      },
    },
    {
      title: `creates a secret again with createOnly that was deleted${how}`,
      needs: ['write', 'delete', 'createOnly', ...needs],
      async run(subject) {
        await subject.manager.writeSecret(KEY, 'old');
        await subject.manager.deleteSecret(KEY, options);

        await subject.manager.writeSecret(KEY, 'new', { createOnly: true });

        assert.equal(await valueOf(subject, KEY), 'new');
      },
    },
  ]),
  ...WINDOWS.map(([what, days, options]): CaseDefinition => ({
    title: `says rightly, or not at all, until when a deleted secret can be restored: ${what}`,
    needs: ['delete', 'recovery'],
    async run(subject) {
      await subject.seed(KEY, 'value');

      const metadata = await subject.manager.deleteSecret(KEY, options);

      const deletionAt = metadata?.deletionAt;
      const expected = Date.now() + days * DAY_MS;
      const differenceMs = (deletionAt?.getTime() ?? expected) - expected;
      assert.ok(Math.abs(differenceMs) < DAY_MS, `the store says ${String(deletionAt)}`);
    },
  })),
  {
    title: 'does not say that a secret can be restored which was deleted without a recovery window',
    needs: ['delete', 'recovery'],
    async run(subject) {
      await subject.seed(KEY, 'value');

      const metadata = await subject.manager.deleteSecret(KEY, { recoveryWindowInDays: 0 });

      const deletionAt = metadata?.deletionAt?.getTime() ?? 0;
      assert.ok(deletionAt < Date.now() + DAY_MS, `the store says ${String(metadata?.deletionAt)}`);
    },
  },
];
