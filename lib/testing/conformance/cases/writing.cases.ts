import assert from 'node:assert/strict';
import { outcomeOf, read, valueOf } from '../ask';
import type { CaseDefinition } from '../harness';
import { VALUES } from './reading.cases';

const KEY = 'CONFORMANCE_KEY';

/** The values of {@link VALUES} that are also written. */
const WRITTEN = VALUES.filter(([what]) =>
  [
    'an empty value',
    'white space around a value',
    '"true"',
    '"null"',
    'a JSON object',
    'percent signs',
    'letters of other scripts',
    'characters beyond the first plane',
    'several lines',
    '64 KiB',
  ].includes(what),
);

export const writingCases: readonly CaseDefinition[] = [
  ...WRITTEN.map(([what, value]): CaseDefinition => ({
    title: `reads ${what} as it was written`,
    needs: value === '' ? ['write', 'emptyValues'] : ['write'],
    valueBytes: Buffer.byteLength(value),
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
      const before = await valueOf(subject, KEY);
      await subject.manager.writeSecret(KEY, 'two');

      assert.deepEqual([before, await valueOf(subject, KEY)], ['one', 'two']);
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
    title: 'changes nothing in what it is given to write',
    needs: ['write', 'describing'],
    async run(subject) {
      const tags = Object.freeze({ kit: 'yes' });
      const options = Object.freeze({ params: Object.freeze({}), description: 'of the kit', tags });

      await subject.manager.writeSecret(KEY, 'value', options);

      assert.equal(await valueOf(subject, KEY), 'value');
    },
  },
  {
    title: 'reads a NUL as it was written, or refuses to write it',
    needs: ['write'],
    async run(subject) {
      const value = 'before\u0000after';

      const outcome = await outcomeOf(subject, () => subject.manager.writeSecret(KEY, value));

      const expected = 'answer' in outcome ? value : undefined;
      assert.equal(await valueOf(subject, KEY), expected);
    },
  },
  {
    title: 'loses none of twenty secrets that are written at once',
    needs: ['write'],
    async run(subject) {
      const names = Array.from({ length: 20 }, (_, index) => `CONFORMANCE_${index}`);

      await Promise.all(names.map((name) => subject.manager.writeSecret(name, `of ${name}`)));

      for (const name of names) assert.equal(await valueOf(subject, name), `of ${name}`);
    },
  },
  {
    title: 'tells of a write the version that is read after it, or none',
    needs: ['write', 'versions'],
    async run(subject) {
      await subject.manager.writeSecret(KEY, 'one');

      const metadata = await subject.manager.writeSecret(KEY, 'two');

      const version = (await read(subject, KEY))?.version;
      assert.equal(metadata?.version ?? version, version);
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
];
