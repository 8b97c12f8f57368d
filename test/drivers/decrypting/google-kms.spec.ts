import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import {
  DecryptingSecretManager,
  googleKms,
  type GoogleKmsOptions,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';
import { OutsideServer } from '../../support/outside-server';

const VALUE = 'sk-canary-value-0123456789';
const TOKEN = 'token-of-the-test';
const RING = 'projects/payments/locations/europe-west3/keyRings/app/cryptoKeys';
const TIME = { timeoutMs: 20_000 };

const google = new OutsideServer('outside-google-kms.process.mjs');
const managers: DecryptingSecretManager[] = [];
let inner: InMemorySecretManager;

beforeAll(() => google.start());
afterAll(() => google.stop());

beforeEach(() => {
  inner = new InMemorySecretManager();
});

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

function managerWith(
  key = 'app',
  options: Partial<GoogleKmsOptions> = {},
): DecryptingSecretManager {
  const auth = { getAccessToken: () => TOKEN };
  const kms = googleKms({ key: `${RING}/${key}`, endpoint: google.address, auth, ...options }, {});
  const store = Object.create(inner, { close: { value: () => undefined } }) as typeof inner;
  for (const method of ['readSecret', 'readSecretSync', 'writeSecret', 'checkHealth'] as const) {
    Object.defineProperty(store, method, { value: Reflect.get(inner, method).bind(inner) });
  }
  const manager = new DecryptingSecretManager({ inner: store, decrypt: kms, encrypt: kms });
  managers.push(manager);
  return manager;
}

describe('Google KMS', () => {
  it.each(['value', '', 'ä\u0000\n€', 'x'.repeat(65_536)])(
    'returns the text that it encrypted, in each kind of read',
    async (text) => {
      const manager = managerWith('app', { additionalAuthenticatedData: 'of the app' });
      await manager.writeSecret('KEY', text);

      const answers = [
        await manager.readSecret('KEY'),
        (await manager.readSecrets(['KEY'])).get('KEY'),
        manager.readSecretSync('KEY', TIME),
      ];

      expect(answers).toMatchObject(Array(3).fill({ value: text }));
      expect(inner.readSecretSync('KEY')?.value).not.toBe(text);
    },
  );

  it('binds to the key and to the data', async () => {
    await managerWith('app', { additionalAuthenticatedData: 'a' }).writeSecret('KEY', VALUE);

    const failures = [
      await failureOf(managerWith('app').readSecret('KEY')),
      await failureOf(managerWith('app', { additionalAuthenticatedData: 'b' }).readSecret('KEY')),
      await failureOf(managerWith('other', { additionalAuthenticatedData: 'a' }).readSecret('KEY')),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'MALFORMED', secretName: 'KEY' }));
    expect(leaks(everythingOf(failures), VALUE)).toBe(false);
  });

  it.each<[string, SecretManagerErrorCode, RegExp]>([
    ['disabled', 'MISCONFIGURED', /disabled or destroyed/],
    ['missing', 'MISCONFIGURED', /no such key/],
    ['denied', 'ACCESS_DENIED', /roles\/cloudkms\.cryptoKeyDecrypter/],
    ['off', 'MISCONFIGURED', /API is not enabled/],
    ['busy', 'THROTTLED', /fewer calls/],
    ['down', 'UNAVAILABLE', /HTTP 503/],
    ['page', 'MISCONFIGURED', /not the API of Google KMS/],
    ['damaged', 'MALFORMED', /CRC32C/],
    ['nonsense', 'MALFORMED', /no base64/],
  ])('fails with a key that is %s, and quotes nothing', async (key, code, text) => {
    inner.rotate('KEY', Buffer.from(VALUE).toString('base64'));
    const manager = managerWith(key);

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY', TIME)),
    ];

    expect(failures).toMatchObject(Array(2).fill({ code, secretName: 'KEY' }));
    for (const { message, retryAfterMs } of failures) {
      expect(message).toMatch(text);
      expect(retryAfterMs).toBe(key === 'busy' ? 3_000 : undefined);
    }
    const shown = everythingOf(failures);
    const canaries = [VALUE, TOKEN, Buffer.from(VALUE).toString('base64')];
    expect(canaries.filter((canary) => leaks(shown, canary))).toEqual([]);
    expect(shown).not.toContain('canary:');
  });

  it.each<[string, string, SecretManagerErrorCode]>([
    ['no base64', 'sk-plain!', 'MALFORMED'],
    ['too many bytes', Buffer.alloc(66_561).toString('base64'), 'INVALID_ARGUMENT'],
  ])('is not asked for %s', async (_, ciphertext, code) => {
    inner.rotate('KEY', ciphertext);

    const failure = await failureOf(managerWith('down').readSecret('KEY'));

    expect(failure).toMatchObject({ code });
  });

  it('refuses a long value, and an answer without a verified checksum', async () => {
    const long = await failureOf(managerWith().writeSecret('KEY', 'x'.repeat(65_537)));
    const unverified = await failureOf(managerWith('unverified').writeSecret('KEY', VALUE));

    expect(long).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY' });
    expect(unverified).toMatchObject({ code: 'MALFORMED' });
    expect(inner.readSecretSync('KEY')).toBeUndefined();
  });

  it('is healthy with a key that it may not look at, and not with a missing one', async () => {
    await expect(managerWith('app').checkHealth()).resolves.toBe(true);
    await expect(managerWith('denied').checkHealth()).resolves.toBe(true);
    for (const [key, code] of [
      ['missing', 'MISCONFIGURED'],
      ['off', 'MISCONFIGURED'],
      ['down', 'UNAVAILABLE'],
    ] as const) {
      await expect(failureOf(managerWith(key).checkHealth())).resolves.toMatchObject({ code });
    }
  });

  it('reports a token that Google refuses', async () => {
    inner.rotate('KEY', 'YWJj');
    const auth = { getAccessToken: () => 'another-token' };

    const failure = await failureOf(managerWith('app', { auth }).readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('reports every problem of the options at start', async () => {
    const options = {
      key: 'app',
      additionalAuthenticatedData: 7,
      endpoint: 'http://kms.example',
      auth: { method: 'password' },
      projectId: VALUE,
    };

    const failure = await failureOf(managerWith('app', options as never).validateEnvironment());

    expect(failure.code).toBe('MISCONFIGURED');
    for (const name of ['key', 'additionalAuthenticatedData', 'endpoint', 'auth.method']) {
      expect(failure.message).toContain(`- ${name} `);
    }
    expect(failure.message).toContain('"projectId" is not an option');
    expect(leaks(everythingOf(failure), VALUE)).toBe(false);
  });

  it('starts with the name of a key and a login', async () => {
    await expect(managerWith().validateEnvironment()).resolves.toBeUndefined();
  });
});
