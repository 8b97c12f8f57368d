import { KMSClient } from '@aws-sdk/client-kms';
import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import {
  DecryptingSecretManager,
  awsKms,
  type AwsKmsOptions,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { AwsEndpoint, refusal, type Reply } from '../../support/aws-endpoint';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';
import { OutsideServer } from '../../support/outside-server';

const CREDENTIALS = {
  accessKeyId: 'AKIACANARYACCESSKEY1',
  secretAccessKey: 'canary/secret/access/key/of/the/test',
};
const VALUE = 'sk-canary-value-0123456789';
const SEALED = base64('zq7-canary-that-is-sealed');

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

const managers: DecryptingSecretManager[] = [];
let aws: AwsEndpoint;

function managerWith(
  options: Partial<AwsKmsOptions> = {},
  secrets: Readonly<Record<string, string>> = { KEY: SEALED },
): DecryptingSecretManager {
  const kms = awsKms({
    keyId: 'alias/app',
    region: 'eu-central-1',
    endpoint: aws.url,
    credentials: CREDENTIALS,
    ...options,
  });
  const inner = new InMemorySecretManager(secrets);
  const manager = new DecryptingSecretManager({ inner, decrypt: kms, encrypt: kms });
  managers.push(manager);
  return manager;
}

beforeEach(async () => {
  aws = await new AwsEndpoint().start();
});

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
  await aws.stop();
});

const FAILURES: readonly (readonly [Reply, SecretManagerErrorCode, RegExp])[] = [
  [refusal('InvalidCiphertextException', VALUE), 'MALFORMED', /encryptionContext/],
  [refusal('IncorrectKeyException', VALUE), 'MALFORMED', /another key/],
  [refusal('DisabledException', VALUE), 'MISCONFIGURED', /disabled/],
  [refusal('KMSInvalidStateException', VALUE), 'MISCONFIGURED', /being deleted/],
  [refusal('NotFoundException', VALUE), 'MISCONFIGURED', /no such key/],
  [refusal('InvalidKeyUsageException', VALUE), 'MISCONFIGURED', /something else/],
  [refusal('ValidationException', VALUE), 'MISCONFIGURED', /keyId/],
  [refusal('AccessDeniedException', VALUE), 'ACCESS_DENIED', /kms:Decrypt/],
  [refusal('KeyUnavailableException', VALUE, 500), 'UNAVAILABLE', /later/],
  [refusal('DependencyTimeoutException', VALUE, 500), 'UNAVAILABLE', /later/],
  [refusal('KMSInternalException', VALUE, 500), 'UNAVAILABLE', /later/],
  [refusal('UnrecognizedClientException', VALUE), 'UNAUTHENTICATED', /credentials/],
  [{ ...refusal('ThrottlingException'), headers: { 'retry-after': '3' } }, 'THROTTLED', /fewer/],
  [{ status: 404, body: `<html>${VALUE}` }, 'MISCONFIGURED', /Check `endpoint`/],
  [{ status: 503, body: `<html>${VALUE}` }, 'UNAVAILABLE', /HTTP 503/],
  [
    { body: `{"Plaintext":"${base64(VALUE)}` },
    'MALFORMED',
    /not the API of KMS, or the answer is not complete/,
  ],
  [{ body: {} }, 'MALFORMED', /without a plaintext/],
  [{ body: { Plaintext: '5A==' } }, 'MALFORMED', /no UTF-8/],
  ['reset', 'TIMEOUT', /in time/],
  ['half', 'UNAVAILABLE', /could not be reached/],
];

describe('a decryption by AWS KMS', () => {
  it('sends the key, the context and the bytes', async () => {
    aws.reply('Decrypt', { body: { Plaintext: base64(VALUE) } });
    const manager = managerWith({ encryptionContext: { app: 'test' } });

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: VALUE });
    expect(aws.inputsOf('Decrypt')).toEqual([
      { KeyId: 'alias/app', CiphertextBlob: SEALED, EncryptionContext: { app: 'test' } },
    ]);
  });

  it.each(FAILURES)('translates %j to %s, and quotes nothing', async (reply, code, text) => {
    aws.reply('Decrypt', reply);

    const failure = await failureOf(managerWith().readSecret('KEY'));

    expect(failure).toMatchObject({ code, secretName: 'KEY', operation: 'readSecret' });
    expect(failure.retryAfterMs).toBe(code === 'THROTTLED' ? 3_000 : undefined);
    expect(failure.message).toMatch(/^"KEY" was not decrypted\. /);
    expect(failure.message).toMatch(text);
    const canaries = [VALUE, SEALED, ...Object.values(CREDENTIALS)];
    const shown = everythingOf(failure);
    expect(canaries.filter((canary) => leaks(shown, canary))).toEqual([]);
  });

  it.each<[string, string, SecretManagerErrorCode]>([
    ['no base64', 'sk-plain!', 'MALFORMED'],
    ['half a group of base64', 'abcde', 'MALFORMED'],
    ['white space', '  \n', 'MALFORMED'],
    ['6 145 bytes', Buffer.alloc(6_145).toString('base64'), 'INVALID_ARGUMENT'],
  ])('of %s asks nobody', async (_, ciphertext, code) => {
    const manager = managerWith({}, { KEY: ciphertext });

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
    ];

    expect(failures).toMatchObject([{ code }, { code }]);
    expect(aws.requests).toEqual([]);
  });

  it('takes 6 144 bytes, and base64 in lines', async () => {
    aws.reply('Decrypt', { body: { Plaintext: base64('') } });
    const lines = Buffer.alloc(6_144)
      .toString('base64')
      .replace(/.{64}/g, (line) => `${line}\n`);

    await expect(managerWith({}, { KEY: lines }).readSecret('KEY')).resolves.toMatchObject({
      value: '',
    });
  });

  it('is one call for concurrent reads, each with its own deadline', async () => {
    aws.reply('Decrypt', async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return { body: { Plaintext: base64(VALUE) } };
    });
    const manager = managerWith();

    const early = failureOf(manager.readSecret('KEY', { timeoutMs: 30 }));
    const late = manager.readSecret('KEY', { timeoutMs: 5_000 });

    await expect(early).resolves.toMatchObject({ code: 'TIMEOUT' });
    await expect(late).resolves.toMatchObject({ value: VALUE });
    expect(aws.actions).toEqual(['Decrypt']);
  });

  it('is never sent without a key', async () => {
    const manager = managerWith({ keyId: undefined as unknown as string });

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
      await failureOf(manager.writeSecret('KEY', VALUE)),
    ];

    expect(failures).toMatchObject(Array(3).fill({ code: 'MISCONFIGURED' }));
    expect(aws.requests).toEqual([]);
  });
});

describe('an encryption by AWS KMS', () => {
  it('writes base64', async () => {
    aws.reply('Encrypt', { body: { CiphertextBlob: SEALED } });
    aws.reply('Decrypt', { body: { Plaintext: base64(VALUE) } });
    const manager = managerWith({ encryptionContext: { app: 'test' } });

    await manager.writeSecret('NEW', VALUE);

    await expect(manager.readSecret('NEW')).resolves.toMatchObject({ value: VALUE });
    expect(aws.requests.map(({ input }) => input)).toEqual([
      { KeyId: 'alias/app', Plaintext: base64(VALUE), EncryptionContext: { app: 'test' } },
      { KeyId: 'alias/app', CiphertextBlob: SEALED, EncryptionContext: { app: 'test' } },
    ]);
  });

  it.each(['', 'ä'.repeat(2_049)])('refuses an empty and a long value', async (value) => {
    const failure = await failureOf(managerWith().writeSecret('NEW', value));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'NEW' });
    expect(aws.requests).toEqual([]);
  });

  it('takes 4 096 bytes, and refuses an answer without a ciphertext', async () => {
    aws.reply('Encrypt', { body: {} });

    const failure = await failureOf(managerWith().writeSecret('NEW', 'ä'.repeat(2_048)));

    expect(failure).toMatchObject({ code: 'MALFORMED' });
    expect(aws.actions).toEqual(['Encrypt']);
  });
});

describe('the start with AWS KMS', () => {
  it('reports every problem at once', async () => {
    const options = {
      keyId: 'a key',
      encryptionContext: { a: 1 },
      endpoint: 'http://kms.example',
      credentials: { accessKeyId: CREDENTIALS.secretAccessKey },
      keyid: VALUE,
    };

    const failure = await failureOf(managerWith(options as never).validateEnvironment());

    expect(failure.code).toBe('MISCONFIGURED');
    for (const option of ['keyId', 'encryptionContext', 'credentials', '`endpoint`', '"keyid"']) {
      expect(failure.message).toContain(option);
    }
    expect(leaks(everythingOf(failure), CREDENTIALS.secretAccessKey)).toBe(false);
    expect(leaks(everythingOf(failure), VALUE)).toBe(false);
  });

  it.each([undefined, null, 'alias/app'])('reports %p in place of options', async (options) => {
    const kms = awsKms(options as never);

    await expect(failureOf(kms.validate?.())).resolves.toMatchObject({ code: 'MISCONFIGURED' });
    await kms.close?.();
  });

  it('takes a client of the application, and leaves it open', async () => {
    const client = new KMSClient({
      region: 'eu-central-1',
      endpoint: aws.url,
      credentials: CREDENTIALS,
      maxAttempts: 1,
    });
    const destroy = jest.spyOn(client, 'destroy');
    aws.reply('Decrypt', { body: { Plaintext: base64(VALUE) } });
    const inner = new InMemorySecretManager({ KEY: SEALED });
    const manager = new DecryptingSecretManager({
      inner,
      decrypt: awsKms({ keyId: 'alias/app', client }),
    });

    await manager.validateEnvironment();
    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: VALUE });
    const failure = await failureOf(() => manager.readSecretSync('KEY'));
    await manager.close();

    expect(failure).toMatchObject({ code: 'UNSUPPORTED' });
    expect(destroy).not.toHaveBeenCalled();
    client.destroy();
  });
});

describe('the health of AWS KMS', () => {
  it.each<[string, Reply]>([
    ['an enabled key', { body: { KeyMetadata: { KeyId: 'x', KeyState: 'Enabled' } } }],
    ['a denial', refusal('AccessDeniedException')],
  ])('is good with %s', async (_, reply) => {
    aws.reply('DescribeKey', reply);

    await expect(managerWith().checkHealth()).resolves.toBe(true);
    expect(aws.inputsOf('DescribeKey')).toEqual([{ KeyId: 'alias/app' }]);
  });

  it.each<[Reply, SecretManagerErrorCode]>([
    [{ body: { KeyMetadata: { KeyId: 'x', KeyState: 'Disabled' } } }, 'MISCONFIGURED'],
    [{ body: { KeyMetadata: { KeyId: 'x', KeyState: 'PendingDeletion' } } }, 'MISCONFIGURED'],
    [{ body: { KeyMetadata: { KeyId: 'x', KeyState: 'Unavailable' } } }, 'UNAVAILABLE'],
    [refusal('NotFoundException'), 'MISCONFIGURED'],
    [refusal('KMSInternalException', '', 500), 'UNAVAILABLE'],
  ])('is bad with %j', async (reply, code) => {
    aws.reply('DescribeKey', reply);

    await expect(failureOf(managerWith().checkHealth())).resolves.toMatchObject({ code });
  });
});

describe('a synchronous decryption by AWS KMS', () => {
  const outside = new OutsideServer('outside-kms.process.mjs');
  const names = ['sealed text', 'LATIN', 'NEITHER', 'GARBAGE', 'DENIED', 'DISABLED', 'THROTTLED'];
  const secrets = Object.fromEntries(
    [...names, 'DOWN', 'HANGING'].map((text) => [text, base64(text)]),
  );
  const bound = { encryptionContext: { app: 'test' } };

  beforeAll(() => outside.start());
  afterAll(() => outside.stop());

  it('ends like an asynchronous one, and quotes nothing', async () => {
    const manager = managerWith({ ...bound, endpoint: outside.address }, secrets);
    const time = { timeoutMs: 20_000 };

    expect(manager.readSecretSync('sealed text', time)).toMatchObject({ value: 'text' });
    for (const name of [...names.slice(1), 'DOWN']) {
      const expected = await manager.readSecret(name, time).catch((error: unknown) => error);
      const failure = await failureOf(() => manager.readSecretSync(name, time));

      const { code, message, retryAfterMs, secretName } = failure;
      const text = message.replaceAll('readSecretSync', 'readSecret');
      expect(expected).toMatchObject({ code, message: text, secretName });
      expect((expected as typeof failure).retryAfterMs).toBe(retryAfterMs);
      expect(everythingOf(failure)).not.toMatch(/canary/i);
    }
    const late = await failureOf(() => manager.readSecretSync('HANGING', { timeoutMs: 50 }));
    expect(late.code).toBe('TIMEOUT');
  });
});
