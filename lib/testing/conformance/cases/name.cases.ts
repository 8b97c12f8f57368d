import assert from 'node:assert/strict';
import { outcomeOf, summaryOf, trySeed, valueOf } from '../ask';
import type { CaseDefinition, Subject } from '../harness';

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

/** The ASCII characters, letters excluded, that may stand anywhere in a name. */
const MARKS = [...` !"#$&'()*+,-.:;<=>?@[]^_\`{|}~0`];

const INHERITED = ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf'];

export const nameCases: readonly CaseDefinition[] = [
  ...NAMES.map(([what, name]): CaseDefinition => ({
    title: `finds a secret whose name has ${what}, or refuses the name`,
    async run(subject) {
      await assertFoundOrRefused(subject, name);
    },
  })),
  {
    title: 'finds a secret whose name has 200 characters, or refuses the name',
    async run(subject) {
      await assertFoundOrRefused(subject, 'n'.repeat(200));
    },
  },
  {
    title: 'keeps apart secrets whose names differ in one mark',
    async run(subject) {
      const names: string[] = [];
      for (const name of MARKS.map((mark) => `a${mark}b`)) {
        if (await trySeed(subject, name, `value of ${name}`)) names.push(name);
      }

      for (const name of names) assert.equal(await valueOf(subject, name), `value of ${name}`);
    },
  },
  {
    title: 'does not answer a secret whose name only begins, or ends, with the one asked for',
    async run(subject) {
      await subject.seed('CONFORMANCE_KEY_1', 'value');

      assert.equal(await valueOf(subject, 'CONFORMANCE_KEY'), undefined);
      assert.equal(await valueOf(subject, 'KEY_1'), undefined);
    },
  },
  {
    title: 'does not answer a secret in a folder for its last part, or for the folder',
    async run(subject) {
      await trySeed(subject, 'team/app', 'value');

      assert.equal(await valueOf(subject, 'app'), undefined);
      const outcome = await outcomeOf(subject, () => valueOf(subject, 'team'));
      assert.ok('failure' in outcome || outcome.answer === undefined, summaryOf(outcome));
    },
  },
  {
    title: 'tells upper case from lower case',
    needs: ['caseSensitiveNames'],
    async run(subject) {
      await subject.seed('Conformance_Name', 'value');

      assert.equal(await valueOf(subject, 'Conformance_Name'), 'value');
      assert.equal(await valueOf(subject, 'conformance_name'), undefined);
      assert.equal(await valueOf(subject, 'CONFORMANCE_NAME'), undefined);
    },
  },
  ...INHERITED.map((name): CaseDefinition => ({
    title: `takes ${name} for an ordinary name, and a secret that is not there`,
    async run(subject) {
      const outcome = await outcomeOf(subject, () => valueOf(subject, name));

      const isRefused = subject.isPossible(name) === false;
      assert.equal(summaryOf(outcome), isRefused ? 'INVALID_ARGUMENT' : 'answered undefined');
    },
  })),
];

/** A name that the store cannot have is refused, or there is no such secret. */
async function assertFoundOrRefused(subject: Subject, name: string): Promise<void> {
  const isSeeded = await trySeed(subject, name, 'value');

  const outcome = await outcomeOf(subject, () => valueOf(subject, name));

  if (isSeeded) return assert.deepEqual(outcome, { answer: 'value' });
  const isRefused = subject.isPossible(name) === false;
  const expected = isRefused ? ['INVALID_ARGUMENT'] : ['answered undefined', 'INVALID_ARGUMENT'];
  assert.ok(expected.includes(summaryOf(outcome)), summaryOf(outcome));
}
