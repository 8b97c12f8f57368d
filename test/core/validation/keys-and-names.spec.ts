import fc from 'fast-check';
import { kindOf, quoteName } from '../../../lib/core/errors/wording';
import { secretKey } from '../../../lib/core/validation/params';
import { canonicalSecretName, secretNameProblem } from '../../../lib/core/validation/secret-name';

type Params = Record<string, unknown>;

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  const reversed = Object.entries(value).reverse();
  return Object.fromEntries(reversed.map(([name, item]) => [name, shuffled(item)]));
}

const params = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });

describe('the key of a read', () => {
  it('is the name if there are no params', () => {
    expect([
      secretKey('a', undefined),
      secretKey('a', {}),
      secretKey('a', { x: undefined }),
    ]).toEqual(['a', 'a', 'a']);
  });

  it('does not depend on the order of properties', () => {
    fc.assert(
      fc.property(params, (given) => {
        expect(secretKey('a', shuffled(given) as Params)).toBe(secretKey('a', given));
      }),
    );
  });

  it('is the same only for equal params', () => {
    fc.assert(
      fc.property(params, params, (one, other) => {
        const areKeysEqual = secretKey('a', one) === secretKey('a', other);
        const areParamsEqual = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        expect(areKeysEqual).toBe(areParamsEqual);
      }),
    );
  });

  it.each<[Params, Params]>([
    [{ a: 1 }, { a: '1' }],
    [{ a: null }, {}],
    [{ a: [] }, { a: {} }],
    [{ a: { b: 1 } }, { 'a.b': 1 }],
    [{ a: ['b', 'c'] }, { a: ['b,c'] }],
    [{ a: true }, { a: 'true' }],
    [JSON.parse('{"__proto__": 1}') as Params, {}],
  ])('distinguishes %j and %j', (one, other) => {
    expect(secretKey('a', one)).not.toBe(secretKey('a', other));
  });

  it('never equals the key of another name, because no name holds the separator', () => {
    const key = secretKey('a', { x: 1 });

    expect(key).not.toBe('a');
    expect(secretNameProblem(key)).toMatch(/control character/);
  });
});

describe('a name', () => {
  it('that is valid survives a URL unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (name) => {
        fc.pre(secretNameProblem(name) === undefined);
        const path = name.split('/').map(encodeURIComponent).join('/');
        const { pathname, host, search, hash } = new URL(`http://store.test/v1/${path}`);
        expect({ pathname, host, search, hash }).toEqual({
          pathname: `/v1/${path}`,
          host: 'store.test',
          search: '',
          hash: '',
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '..',
    'a/..',
    '../a',
    'a/./b',
    './a',
    'a//b',
    '/a',
    'a/',
    '',
    '%2e',
    'a\\b',
    'a\tb',
    'a\u0000',
    'a\u009f',
  ])('that is %j is invalid', (name) => {
    expect(secretNameProblem(name)).toEqual(expect.any(String));
  });

  it('loses the prefix of a reference once, at the start only', () => {
    const names = [
      'os.environ/A',
      'os.environ/os.environ/A',
      'x/os.environ/A',
      'os.environ',
      'Os.environ/A',
    ];

    expect(names.map(canonicalSecretName)).toEqual([
      'A',
      'os.environ/A',
      'x/os.environ/A',
      'os.environ',
      'Os.environ/A',
    ]);
  });

  it('is quoted without characters that move a cursor or end a line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (name) => {
        // eslint-disable-next-line no-control-regex
        expect(quoteName(name)).toMatch(/^"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*"$/u);
        expect(JSON.parse(quoteName(name))).toBe(name);
      }),
    );
  });

  it('is quoted without invisible characters and those that change the direction of text', () => {
    const hidden = ['\u202e', '\u2066', '\u200b', '\u200f', '\u00ad', '\ufeff', '\u{e0041}'];
    const name = `a${hidden.join('b')}c`;

    const quoted = quoteName(name);

    expect(quoted).not.toMatch(/[\p{Cf}]/u);
    expect(JSON.parse(quoted)).toBe(name);
  });

  it('that is no string is quoted by its type', () => {
    expect([null, undefined, [], {}, 7, Symbol('x'), () => 1].map(quoteName)).toEqual([
      '(null)',
      '(undefined)',
      '(an array)',
      '(an object)',
      '(a number)',
      '(a symbol)',
      '(a function)',
    ]);
    expect(kindOf('hvs.canary')).toBe('a string');
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, item]) => [name, sorted(item)]);
}
