import assert from 'node:assert/strict';
import { outcomeOf, summaryOf, valueOf } from '../ask';
import type { CaseDefinition } from '../harness';

const KEY = 'CONFORMANCE_KEY';

export const lifecycleCases: readonly CaseDefinition[] = [
  {
    title: 'has a name to stand in errors and logs',
    async run({ manager }) {
      assert.equal(typeof manager.secretManagerName, 'string');
      assert.notEqual(manager.secretManagerName, '');
    },
  },
  {
    title: 'finds its environment complete on a store that is well',
    async run({ manager }) {
      await manager.validateEnvironment();
    },
  },
  {
    title: 'is healthy on a store that is well',
    async run({ manager }) {
      assert.equal(await manager.checkHealth(), true);
    },
  },
  {
    title: 'is not healthy on a store that cannot be reached',
    needs: ['health'],
    fault: 'unavailable',
    async run(subject) {
      await subject.fail('unavailable');

      const outcome = await outcomeOf(subject, () => subject.manager.checkHealth());

      assert.ok('failure' in outcome || outcome.answer === false, summaryOf(outcome));
    },
  },
  {
    title: 'is healthy again when the store is well again',
    needs: ['health'],
    fault: 'unavailable',
    async run(subject) {
      await subject.fail('unavailable');
      await outcomeOf(subject, () => subject.manager.checkHealth());

      await subject.fail(undefined);

      assert.equal(await subject.manager.checkHealth(), true);
    },
  },
  {
    title: 'answers a hundred reads at once',
    async run(subject) {
      await subject.seed(KEY, 'value');

      const values = await Promise.all(Array.from({ length: 100 }, () => valueOf(subject, KEY)));

      assert.deepEqual(new Set(values), new Set(['value']));
    },
  },
  {
    title: 'mixes nothing up in reads of different secrets at once',
    async run(subject) {
      const names = Array.from({ length: 20 }, (_, index) => `CONFORMANCE_${index}`);
      for (const name of names.slice(0, 10)) await subject.seed(name, `value of ${name}`);

      const values = await Promise.all(names.map((name) => valueOf(subject, name)));

      const expected = names.map((name, index) => (index < 10 ? `value of ${name}` : undefined));
      assert.deepEqual(values, expected);
    },
  },
  {
    title: 'can be closed twice',
    async run({ manager }) {
      await manager.close();
      await manager.close();
    },
  },
  {
    title: 'can be closed before anything was read, and after',
    async run(subject) {
      await subject.seed(KEY, 'value');
      await valueOf(subject, KEY);

      await subject.manager.close();
    },
  },
  {
    title: 'does not take for absent what is read while it is closed',
    async run(subject) {
      await subject.seed(KEY, 'value');

      const reading = outcomeOf(subject, () => valueOf(subject, KEY));
      await subject.manager.close();
      const outcome = await reading;

      assert.ok('failure' in outcome || outcome.answer === 'value', summaryOf(outcome));
    },
  },
  {
    title: 'does not hang when it is read after it was closed',
    async run(subject) {
      await subject.seed(KEY, 'value');
      await subject.manager.close();

      const outcome = await outcomeOf(subject, () => valueOf(subject, KEY));

      assert.ok('failure' in outcome || outcome.answer === 'value', summaryOf(outcome));
    },
  },
];
