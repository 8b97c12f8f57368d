import assert from 'node:assert/strict';
import { outcomeOf, told, valueOf } from './ask';
import type { CaseDefinition } from './harness';

const NAMES: readonly (readonly [what: string, name: string])[] = [
  ['digits, a dash and an underscore', 'name-1_2'],
  ['a dot', 'name.with.dots'],
  ['two dots inside a part', 'release-1.0..2'],
  ['a dot at the beginning', '.hidden'],
  ['parts', 'team/app/name'],
  ['a space', 'a name'],
  ['a question mark', 'name?version=1'],
  ['a hash', 'name#1'],
  ['an ampersand, a plus and an equals sign', 'a&b+c=d'],
  ['a colon and an at sign', 'name:1@host'],
  ['quotes', `it's "quoted"`],
  ['brackets', 'a(b)[c]{d}<e>'],
  ['punctuation', 'a,b;c!d~e*f$g^h|i`j'],
  ['letters of other scripts', 'klíč-密钥'],
  ['characters beyond the first plane', 'key-🔑'],
  ['the name of a property of every object', 'constructor'],
  ['the name of the prototype', '__proto__'],
];

/** None of these may come to mean another secret, however the store reads paths. */
const MISLEADING = [
  '../victim',
  'team/../victim',
  'team/./victim',
  './victim',
  'team//victim',
  '/victim',
  'victim/',
  'team/%2e%2e/victim',
  'team%2fvictim',
  'team\\victim',
  'victim\n',
  'victim\u0000',
  '//victim',
];

const INHERITED = ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf'];

export const nameCases: readonly CaseDefinition[] = [
  ...NAMES.map(([what, name]): CaseDefinition => ({
    title: `finds a secret whose name has ${what}, or refuses the name`,
    async run(subject) {
      const isPossible = await subject.seed(name, 'value').then(
        () => true,
        () => false,
      );

      const outcome = await outcomeOf(subject, () => valueOf(subject, name));

      if (isPossible) assert.deepEqual(outcome, { answer: 'value' });
      else
        assert.ok(
          ['answered undefined', 'INVALID_ARGUMENT'].includes(told(outcome)),
          told(outcome),
        );
    },
  })),
  {
    title: 'finds a secret whose name has 200 characters',
    async run(subject) {
      const name = 'n'.repeat(200);
      await subject.seed(name, 'value');

      assert.equal(await valueOf(subject, name), 'value');
    },
  },
  {
    title: 'tells upper case from lower case',
    async run(subject) {
      await subject.seed('Conformance_Name', 'value');

      assert.equal(await valueOf(subject, 'conformance_name'), undefined);
    },
  },
  ...INHERITED.map((name): CaseDefinition => ({
    title: `takes ${name} for an ordinary name, and a secret that is not there`,
    async run(subject) {
      assert.equal(await valueOf(subject, name), undefined);
    },
  })),
  ...MISLEADING.map((name): CaseDefinition => ({
    title: `does not answer another secret for the name ${JSON.stringify(name)}`,
    async run(subject) {
      await subject.seed('victim', 'of the victim');
      await subject.seed('team/victim', 'of the victim in the team');

      const outcome = await outcomeOf(subject, () => valueOf(subject, name));

      assert.ok('failure' in outcome || outcome.answer === undefined, told(outcome));
    },
  })),
];
