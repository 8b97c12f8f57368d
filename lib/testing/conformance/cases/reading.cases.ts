import assert from 'node:assert/strict';
import { read, trySeed, valueOf, valuesOf } from '../ask';
import type { CaseDefinition } from '../harness';

const KEY = 'CONFORMANCE_KEY';
const MARKED = '\ufeffvalue';

/** Values that a manager may spoil by decoding, trimming or parsing. */
export const VALUES: readonly (readonly [what: string, value: string])[] = [
  ['an ordinary value', 'sk-conformance-4242'],
  ['an empty value', ''],
  ['a space', ' '],
  ['white space around a value', '  value\t '],
  ['several lines', 'first\nsecond\r\nthird'],
  ['a line break at the end', 'value\n'],
  ['"true"', 'true'],
  ['"False"', 'False'],
  ['"null"', 'null'],
  ['"undefined"', 'undefined'],
  ['"0"', '0'],
  ['digits', '00012345678901234567890'],
  ['a JSON object', '{"a": 1, "b": [true, null], "c": "text"}'],
  ['a JSON string', '"quoted"'],
  ['a JSON array', '[1, 2]'],
  ['quotes and backslashes', '\'single\' "double" `back` \\n \\\\ \\u0041'],
  ['percent signs', '100%25 %2e%2e%2f %zz'],
  ['characters of a URL', '?a=b&c=d#e+f/g;h'],
  ['base64', 'c2VjcmV0LXZhbHVlLTQyNDI='],
  ['letters of other scripts', 'Zürich, žluťoučký, 秘密, سر'],
  ['characters beyond the first plane', '🔑 𝔎𝔢𝔶'],
  ['letters that compose', 'e\u0301 and \u00e9'],
  ['a reference', 'os.environ/OTHER'],
  ['the name of a property', '__proto__'],
  ['64 KiB', 'abcdefgh'.repeat(8_192)],
];

export const readingCases: readonly CaseDefinition[] = [
  ...VALUES.map(([what, value]): CaseDefinition => ({
    title: `answers ${what} unchanged`,
    needs: value === '' ? ['emptyValues'] : [],
    valueBytes: Buffer.byteLength(value),
    async run(subject) {
      await subject.seed(KEY, value);

      assert.equal(await valueOf(subject, KEY), value);
    },
  })),
  {
    title: 'answers a byte order mark at the beginning unchanged, or drops that of an editor',
    async run(subject) {
      await subject.seed(KEY, MARKED);

      const value = await valueOf(subject, KEY);

      const isWrittenElsewhere = subject.lacks.includes('write');
      assert.equal(value, isWrittenElsewhere && value === 'value' ? 'value' : MARKED);
    },
  },
  {
    title: 'answers a NUL unchanged, or refuses it',
    async run(subject) {
      const value = 'before\u0000after';
      const isStored = await trySeed(subject, KEY, value);

      if (isStored) assert.equal(await valueOf(subject, KEY), value);
      else assert.equal(await valueOf(subject, KEY), undefined);
    },
  },
  {
    title: 'answers undefined, and does not fail, for a secret that is not there',
    async run(subject) {
      assert.equal(await read(subject, 'CONFORMANCE_ABSENT'), undefined);
    },
  },
  {
    title: 'answers undefined on an empty store and the value once it is there',
    async run(subject) {
      const before = await valueOf(subject, 'CONFORMANCE_OTHER');
      await subject.seed(KEY, 'value');

      assert.deepEqual([before, await valueOf(subject, KEY)], [undefined, 'value']);
    },
  },
  {
    title: 'keeps secrets apart',
    async run(subject) {
      await subject.seed('CONFORMANCE_A', 'a');
      await subject.seed('CONFORMANCE_B', 'b');

      assert.equal(await valueOf(subject, 'CONFORMANCE_A'), 'a');
      assert.equal(await valueOf(subject, 'CONFORMANCE_B'), 'b');
    },
  },
  {
    title: 'answers the same again',
    async run(subject) {
      await subject.seed(KEY, 'value');

      assert.equal(await valueOf(subject, KEY), 'value');
      assert.equal(await valueOf(subject, KEY), 'value');
    },
  },
  {
    title: 'takes empty params for none',
    async run(subject) {
      await subject.seed(KEY, 'value');

      assert.equal((await read(subject, KEY, { params: {} }))?.value, 'value');
    },
  },
  {
    title: 'takes options of which none is set for none',
    async run(subject) {
      await subject.seed(KEY, 'value');
      const options = { params: undefined, timeoutMs: undefined, signal: undefined };

      assert.equal((await read(subject, KEY, options))?.value, 'value');
    },
  },
  {
    title: 'changes nothing in what it is given to read by',
    async run(subject) {
      await subject.seed(KEY, 'value');
      const options = Object.freeze({ params: Object.freeze({}), timeoutMs: 4_000 });
      const names = Object.freeze([KEY, 'CONFORMANCE_ABSENT']);

      assert.equal((await read(subject, KEY, options))?.value, 'value');
      assert.equal((await valuesOf(subject, names, options))[KEY], 'value');
    },
  },
  {
    title: 'answers within a deadline that is long enough',
    async run(subject) {
      await subject.seed(KEY, 'value');

      assert.equal((await read(subject, KEY, { timeoutMs: 4_000 }))?.value, 'value');
    },
  },
  {
    title: 'answers a version that stays while the secret does',
    needs: ['versions'],
    async run(subject) {
      await subject.seed(KEY, 'value');

      const [first, second] = [await read(subject, KEY), await read(subject, KEY)];

      assert.equal(typeof first?.version, 'string');
      assert.equal(first?.version, second?.version);
    },
  },
];
