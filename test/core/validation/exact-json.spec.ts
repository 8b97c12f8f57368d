import {
  JsonNumber,
  exactJson,
  isExactNumber,
  parseExactJson,
} from '../../../lib/core/validation/exact-json';

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1.5',
  '1.10',
  '-0.5',
  '1e3',
  '1E-7',
  '1e400',
  '9007199254740991',
  '12345678901234567890',
  '-12345678901234567890',
  '100000000000000000001',
];

describe('exact JSON', () => {
  describe.each([
    ['alone', (number: string) => number],
    ['in an object', (number: string) => `{"a":${number},"b":"x"}`],
    ['last in an object', (number: string) => `{"b":"x","a":${number}}`],
    ['in an array', (number: string) => `[${number},${number}]`],
    ['deep inside', (number: string) => `{"a":[{"b":[[],{},${number}]}]}`],
  ])('keeps the source text of a number %s', (_, textWith) => {
    it.each(NUMBERS)('%s', (number) => {
      expect(exactJson(parseExactJson(textWith(number)))).toBe(textWith(number));
    });
  });

  it('keeps it between spaces and line breaks', () => {
    const text = '{ "a" :\n\t1.10 , "b" : [ 1.0 , 2 ] }\n';

    expect(exactJson(parseExactJson(text))).toBe('{"a":1.10,"b":[1.0,2]}');
  });

  it('returns plain numbers if no digit is lost', () => {
    expect(parseExactJson('{"a":1.5,"b":12,"c":1.50}')).toMatchObject({ a: 1.5, b: 12 });
  });

  it.each(['{"a":"x: 1.10, [1.0"}', '{"a":"\\":1.10","b":1.10}', '{"\\\\":1.10,"b\\"":[",",1.0]}'])(
    'does not take a string for a number: %s',
    (text) => {
      expect(exactJson(parseExactJson(text))).toBe(text);
    },
  );

  it('keeps __proto__ as an ordinary property', () => {
    const parsed = parseExactJson('{"__proto__":{"a":1.10}}') as object;

    expect(Object.keys(parsed)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });

  it.each(['', '{', '{"a":1.}', '[1.10,]', '01', '{"a":1.10}}'])('refuses %j', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });

  it.each([
    ['lists', '['.repeat(200_000) + ']'.repeat(200_000)],
    ['objects', '{"a":'.repeat(200_000) + '1.10' + '}'.repeat(200_000)],
    ['a list with a bracket in its text', '["]",'.repeat(200_000) + '1' + ']'.repeat(200_000)],
    ['a list with an escaped quote', '["\\"]",'.repeat(200_000) + '1' + ']'.repeat(200_000)],
  ])('refuses %s nested 200 000 deep, like invalid JSON', (_, text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });

  it('counts no brackets inside strings', () => {
    const text = JSON.stringify({
      a: '[{'.repeat(5_000),
      b: '"'.repeat(5_000),
      c: '\\"['.repeat(5_000),
    });

    expect(exactJson(parseExactJson(text))).toBe(text);
  });

  it('parses JSON nested 1 000 deep', () => {
    const text = '['.repeat(1_000) + '1.10' + ']'.repeat(1_000);

    expect(exactJson(parseExactJson(text))).toBe(text);
  });

  it('compares a number of a megabyte before the test times out', () => {
    expect(isExactNumber(`1${'0'.repeat(1_000_000)}1`)).toBe(false);
  });

  it('shows no source text', () => {
    expect(JSON.stringify(new JsonNumber('1.10'))).toBe('{}');
  });

  it.each([
    ['1.10', true],
    ['1e3', true],
    ['-0', true],
    ['0.1', true],
    ['12345678901234567890', false],
    ['1e400', false],
    ['0.12345678901234567890', false],
  ])('reports whether a number can hold %s', (source, isExact) => {
    expect(isExactNumber(source)).toBe(isExact);
  });
});
