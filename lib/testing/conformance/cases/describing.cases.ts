import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { valueOf } from '../ask';
import type { CaseDefinition } from '../harness';

const KEY = 'CONFORMANCE_KEY';

/**
 * The cases about descriptions. A manager that ignores descriptions describes nothing, before and after, and passes. One
 * that refuses them lacks `describing`.
 */
export const describingCases: readonly CaseDefinition[] = [
  {
    title: 'keeps description and tags out of the value',
    needs: ['write', 'describing'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'value', {
        description: 'of the kit',
        tags: { kit: 'yes' },
      });

      assert.equal(await valueOf(subject, KEY), 'value');
    },
  },
  {
    title: 'describes a secret as it was described when it was written, or says nothing',
    needs: ['write', 'describing'],
    async run({ manager }) {
      const given = { description: 'of the kit', tags: { kit: 'yes', of: 'mine' } };
      await manager.writeSecret(KEY, 'value', given);

      const { description = given.description, tags = given.tags } =
        await manager.describeSecret(KEY);

      assert.deepEqual({ description, tags: { ...tags } }, given);
    },
  },
  ...[{}, { description: undefined, tags: undefined }].map((options): CaseDefinition => ({
    title: `leaves description and tags alone when it writes with ${inspect(options)}`,
    needs: ['write', 'describing'],
    async run({ manager }) {
      await manager.writeSecret(KEY, 'one', { description: 'of the kit', tags: { kit: 'yes' } });
      const before = await manager.describeSecret(KEY);

      await manager.writeSecret(KEY, 'two', options);

      assert.deepEqual(await manager.describeSecret(KEY), before);
    },
  })),
  {
    title: 'leaves the tags alone when it writes another description',
    needs: ['write', 'describing'],
    async run({ manager }) {
      await manager.writeSecret(KEY, 'one', { description: 'of the kit', tags: { kit: 'yes' } });
      const before = await manager.describeSecret(KEY);

      await manager.writeSecret(KEY, 'two', { description: 'another' });

      assert.deepEqual((await manager.describeSecret(KEY)).tags, before.tags);
    },
  },
];
