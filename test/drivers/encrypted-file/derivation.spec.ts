import {
  SCRYPT,
  SCRYPT_BYTES_MAX,
  parseDerivation,
} from '../../../lib/drivers/encrypted-file/keys/derivation';
import { Damage } from '../../../lib/drivers/encrypted-file/pages/damage';

const DERIVATION = { from: 'passphrase', salt: 'salt', ...SCRYPT };

describe('the derivation at the head of a store', () => {
  it('is accepted with the costs of this release, and with the strongest ones of OWASP', () => {
    const strongest = { ...DERIVATION, cost: 2 ** 17, parallelization: 1 };

    expect(parseDerivation(DERIVATION)).toEqual(DERIVATION);
    expect(parseDerivation(strongest)).toEqual(strongest);
  });

  it.each<[string, object]>([
    ['too much memory', { cost: 2 ** 30 }],
    ['all the memory that scrypt may have', { cost: SCRYPT_BYTES_MAX / (128 * 8) }],
    ['too much time', { parallelization: 1_000_000 }],
    ['a cost that is no power of two', { cost: 32_769 }],
    ['no cost', { cost: 0 }],
    ['a cost below one', { cost: 0.5 }],
    ['next to no cost', { cost: 2 }],
    ['a weak block size', { blockSize: 1 }],
    ['a text', { cost: '32768' }],
    ['an endless cost', { cost: Infinity }],
    ['another way', { from: 'nothing' }],
    ['no salt', { salt: undefined }],
  ])('is damage if it asks for %s', (_, changes) => {
    expect(() => parseDerivation({ ...DERIVATION, ...changes })).toThrow(Damage);
  });
});
