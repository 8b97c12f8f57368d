import fc from 'fast-check';
import { INEXACT, parseBundle } from '../../../lib/policies/bundle/json-bundle';

const expected = (value: unknown): string | undefined => {
  if (value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

describe('parseBundle', () => {
  it('finds in any JSON object what JSON.parse finds, however it is laid out', () => {
    const json = fc.jsonValue({ noUnicodeString: false, maxDepth: 3 });
    const object = fc.dictionary(fc.string({ unit: 'grapheme' }), json);

    fc.assert(
      fc.property(object, fc.constantFrom(0, 2, '\t'), (given, indent) => {
        const secrets = parseBundle(JSON.stringify(given, null, indent));

        for (const [name, value] of Object.entries(given)) {
          expect(secrets?.get(name)).toBe(expected(value));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('drops a byte order mark before the object, and no other', () => {
    const secrets = parseBundle('\ufeff{"A": "\ufeffa", "\ufeffB": "b"}');

    expect(secrets).toEqual(
      new Map([
        ['A', '\ufeffa'],
        ['\ufeffB', 'b'],
      ]),
    );
  });

  it.each(['', 'plain', '[]', 'null', '"text"', '12', '{', '{"a":1}}', '{"a":undefined}'])(
    'takes %j for no bundle',
    (text) => {
      expect(parseBundle(text)).toBeUndefined();
    },
  );

  it('takes an object that is nested 200 000 deep for no bundle', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);

    expect(parseBundle(`{"A":"a","B":${deep}}`)).toBeUndefined();
  });

  it.each([
    ['0', '0'],
    ['-1.5', '-1.5'],
    ['1.50', '1.50'],
    ['1e2', '1e2'],
    ['9007199254740993', INEXACT],
    ['12345678901234567890', INEXACT],
    ['1e400', INEXACT],
    ['0.1', '0.1'],
    ['0.1000000000000000055511151231257827', INEXACT],
    ['100000000000000000000', '100000000000000000000'],
  ])('answers the number %s as it stands, if a program can hold it', (number, secret) => {
    expect(parseBundle(`{ "N": ${number} }`)?.get('N')).toBe(secret);
  });

  it('lets the last of two equal names win, as JSON.parse does', () => {
    expect(parseBundle('{"A":"1","A":"2"}')?.get('A')).toBe('2');
    expect(parseBundle('{"A":"1","A":null}')?.has('A')).toBe(false);
  });

  it('takes the names of every object for ordinary ones', () => {
    const secrets = parseBundle('{"__proto__":"a","constructor":"b"}');

    expect(secrets?.get('__proto__')).toBe('a');
    expect(secrets?.get('constructor')).toBe('b');
    expect(secrets?.get('toString')).toBeUndefined();
  });

  it('is not slow on a large text', () => {
    const text = JSON.stringify({ A: '\\"'.repeat(500_000), B: 'b' });

    expect(parseBundle(text)?.get('B')).toBe('b');
  });
});
