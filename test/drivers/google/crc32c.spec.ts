import { crc32c, matchesCrc32c } from '../../../lib/drivers/google/crc32c';

describe('CRC-32C', () => {
  it.each([
    ['', 0],
    ['a', 3251651376],
    ['123456789', 3808858755],
    ['The quick brown fox jumps over the lazy dog', 576848900],
  ])('of %p is %p', (text, expected) => {
    expect(crc32c(Buffer.from(text))).toBe(expected);
  });

  it('of 32 zero bytes is that of RFC 3720', () => {
    expect(crc32c(Buffer.alloc(32)).toString(16)).toBe('8a9136aa');
    expect(crc32c(Buffer.alloc(32, 0xff)).toString(16)).toBe('62a8ab43');
  });

  it.each([
    ['3808858755', true],
    [3808858755, true],
    [undefined, true],
    [null, true],
    ['3808858756', false],
    ['', false],
    [0, false],
  ])('takes the checksum %p for a match: %p', (checksum, expected) => {
    expect(matchesCrc32c(Buffer.from('123456789'), checksum)).toBe(expected);
  });
});
