import { Keyring } from '../../../lib/drivers/encrypted-file/keys/keyring';
import { failureOf } from '../../support/failure-of';

describe('a keyring', () => {
  it('derives different keys for each store from the same key', () => {
    const keyring = new Keyring({ from: 'key', key: Buffer.alloc(32, 7) });

    const [one, other] = [keyring.newDerivation(), keyring.newDerivation()].map((derivation) =>
      Buffer.from(keyring.keysFor(derivation).sealing),
    );

    expect(one).toHaveLength(32);
    expect(one).not.toEqual(other);
  });

  it('seals and authenticates with different keys', () => {
    const keyring = new Keyring({ from: 'key', key: Buffer.alloc(32, 7) });

    const { sealing, authentication } = keyring.keysFor(keyring.newDerivation());

    expect(sealing).not.toEqual(authentication);
  });

  it('overwrites its keys on close, and cannot be used again', async () => {
    const key = Buffer.alloc(32, 7);
    const keyring = new Keyring({ from: 'key', key });
    const derivation = keyring.newDerivation();
    const { sealing, authentication } = keyring.keysFor(derivation);

    keyring.close();

    const nothing = Buffer.alloc(32);
    expect([key, sealing, authentication]).toEqual([nothing, nothing, nothing]);
    expect(await failureOf(() => keyring.keysFor(derivation))).toMatchObject({
      code: 'UNAVAILABLE',
    });
  });

  it('drops a key whose derivation is in flight on close', async () => {
    const keyring = new Keyring({ from: 'passphrase', passphrase: 'a passphrase' });
    const derivation = keyring.newDerivation();
    const prepared = keyring.prepare(derivation);

    keyring.close();
    await prepared;

    const error = await failureOf(() => keyring.keysFor(derivation));
    expect(error.code).toBe('UNAVAILABLE');
  });
});
