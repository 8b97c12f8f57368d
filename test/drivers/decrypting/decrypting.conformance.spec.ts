import { DecryptingSecretManager } from 'nestjs-custom-secret-manager/drivers/decrypting';
import {
  InMemorySecretManager,
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { wrapped } from '../../support/wrapped';
import { LocalCipher } from './local-cipher';

const cipher = new LocalCipher();
let store = new InMemorySecretManager();
let service = new InMemorySecretManager();

const seed = (name: string, value: string): void => store.rotate(name, cipher.encrypt(value));
const spoil = (name: string): void => store.rotate(name, 'no ciphertext');

const withCipher: ConformanceHarness = {
  create: () => {
    store = new InMemorySecretManager();
    return new DecryptingSecretManager({ inner: store, decrypt: cipher, encrypt: cipher });
  },
  seed,
  fail: (fault) => store.fail(fault),
  spoil,
};

/** Breaks the key service, too. The store itself answers nonsense in the first harness. */
const withFunctions: ConformanceHarness = {
  create: () => {
    store = new InMemorySecretManager();
    const keys = (service = new InMemorySecretManager());
    return new DecryptingSecretManager({
      inner: store,
      decrypt: async (ciphertext, { signal }) => {
        await keys.readSecret('KEY', { signal });
        return cipher.decrypt(ciphertext);
      },
      encrypt: async (plaintext, { signal }) => {
        await keys.readSecret('KEY', { signal });
        return cipher.encrypt(plaintext);
      },
    });
  },
  seed,
  fail: (fault) => {
    service.fail(fault);
    store.fail(fault);
  },
  faults: ['unavailable', 'denied', 'unauthenticated', 'throttled', 'hanging'],
  spoil,
  lacks: ['sync'],
};

describe.each([
  ['a cipher', withCipher],
  ['a cipher, with every policy', wrapped(withCipher)],
  ['functions of the application', withFunctions],
  ['functions of the application, with every policy', wrapped(withFunctions)],
])('the decrypting manager with %s', (_, harness) => {
  const cases = secretManagerConformance(harness).filter(({ skip }) => skip === undefined);

  it('runs with most of the kit', () => {
    expect(cases.length).toBeGreaterThanOrEqual(120);
  });

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});
