import fc from 'fast-check';
import { INEXACT, parseBundle } from '../../../lib/policies/bundle/json-bundle';

const expected = (value: unknown): string | undefined => {
  if (value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

describe('parseBundle', () => {
  it('finds the same values as JSON.parse in any JSON object, whatever its layout', () => {
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

  it('drops only a byte order mark before the object', () => {
    const secrets = parseBundle('\ufeff{"A": "\ufeffa", "\ufeffB": "b"}');

    expect(secrets).toEqual(
      new Map([
        ['A', '\ufeffa'],
        ['\ufeffB', 'b'],
      ]),
    );
  });

  it.each(['', 'plain', '[]', 'null', '"text"', '12', '{', '{"a":1}}', '{"a":undefined}'])(
    'does not treat %j as a bundle',
    (text) => {
      expect(parseBundle(text)).toBeUndefined();
    },
  );

  it('does not treat an object nested 200 000 deep as a bundle', () => {
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
  ])('returns the number %s unchanged, if a program can hold it', (number, secret) => {
    expect(parseBundle(`{ "N": ${number} }`)?.get('N')).toBe(secret);
  });

  it('uses the last of two equal names, like JSON.parse', () => {
    expect(parseBundle('{"A":"1","A":"2"}')?.get('A')).toBe('2');
    expect(parseBundle('{"A":"1","A":null}')?.has('A')).toBe(false);
  });

  it('treats the names of object properties as ordinary ones', () => {
    const secrets = parseBundle('{"__proto__":"a","constructor":"b"}');

    expect(secrets?.get('__proto__')).toBe('a');
    expect(secrets?.get('constructor')).toBe('b');
    expect(secrets?.get('toString')).toBeUndefined();
  });

  it('is fast on a large text', () => {
    const text = JSON.stringify({ A: '\\"'.repeat(500_000), B: 'b' });

    expect(parseBundle(text)?.get('B')).toBe('b');
  });
});
