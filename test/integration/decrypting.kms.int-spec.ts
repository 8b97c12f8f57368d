import {
  CreateKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  EnableKeyCommand,
  KMSClient,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import {
  DecryptingSecretManager,
  awsKms,
  type AwsKmsOptions,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { refusal, type AwsRequest, type Reply } from '../support/aws-endpoint';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { CREDENTIALS, REGION, startMoto, type Moto } from './support/moto';

const VALUE = 'sk-canary-value-0123456789';
const TIME = { timeoutMs: 20_000 };

let moto: Moto;
let client: KMSClient;
let keyId: string;
const disabled = new Set<unknown>();
const deleted = new Set<unknown>();
const managers: DecryptingSecretManager[] = [];

beforeAll(async () => {
  moto = await startMoto();
  const connection = { region: REGION, credentials: CREDENTIALS };
  client = new KMSClient({ ...connection, endpoint: moto.address });
  keyId = await newKey();
});

/** Moto decrypts with a key that is disabled or being deleted. AWS does not. */
beforeEach(() => {
  moto.endpoint.clear();
  const refuse = ({ input }: AwsRequest): Reply | undefined => {
    if (disabled.has(input.KeyId)) return refusal('DisabledException', `${keyId} is disabled.`);
    if (deleted.has(input.KeyId)) return refusal('KMSInvalidStateException', `${keyId} is pending`);
    return undefined;
  };
  moto.endpoint.reply('Decrypt', refuse);
  moto.endpoint.reply('Encrypt', refuse);
});

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

afterAll(async () => {
  client.destroy();
  await moto.stop();
});

async function newKey(): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
  return KeyMetadata?.KeyId ?? '';
}

async function encrypted(
  plaintext: string,
  context?: Record<string, string>,
  KeyId = keyId,
): Promise<string> {
  const Plaintext = Buffer.from(plaintext);
  const input = { KeyId, Plaintext, EncryptionContext: context };
  const { CiphertextBlob = new Uint8Array() } = await client.send(new EncryptCommand(input));
  return Buffer.from(CiphertextBlob).toString('base64');
}

function managerWith(
  secrets: Readonly<Record<string, string>>,
  options: Partial<AwsKmsOptions> = {},
): DecryptingSecretManager {
  const connection = { region: REGION, credentials: CREDENTIALS, endpoint: moto.endpoint.url };
  const kms = awsKms({ keyId, ...connection, ...options });
  const inner = new InMemorySecretManager(secrets);
  const manager = new DecryptingSecretManager({ inner, decrypt: kms, encrypt: kms });
  managers.push(manager);
  return manager;
}

describe('a decryption by AWS KMS', () => {
  it.each<[string, Record<string, string> | undefined]>([
    ['value', undefined],
    ['ä\u0000\n€', { app: 'test' }],
    ['x'.repeat(4_096), undefined],
  ])('returns the text, in each kind of read', async (text, encryptionContext) => {
    const secrets = { KEY: await encrypted(text, encryptionContext) };
    const manager = managerWith(secrets, { encryptionContext });
    const direct = managerWith(secrets, { encryptionContext, endpoint: moto.address });

    const answers = [
      await manager.readSecret('KEY'),
      (await manager.readSecrets(['KEY'])).get('KEY'),
      direct.readSecretSync('KEY', TIME),
    ];

    expect(answers).toMatchObject(Array(3).fill({ value: text }));
  });

  it('reads what it wrote', async () => {
    const manager = managerWith({}, { encryptionContext: { app: 'test' } });

    await manager.writeSecret('KEY', VALUE);

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: VALUE });
  });

  it.each<[string, () => Promise<string> | string]>([
    ['garbage', () => Buffer.from('no ciphertext of KMS at all').toString('base64')],
    ['another context', () => encrypted(VALUE, { app: 'other' })],
    ['plain text', () => VALUE],
  ])('of %s is malformed', async (_, sealed) => {
    const ciphertext = await sealed();
    const manager = managerWith({ KEY: ciphertext }, { encryptionContext: { app: 'test' } });

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'MALFORMED', secretName: 'KEY' });
    const shown = everythingOf(failure);
    expect([VALUE, ciphertext].filter((canary) => leaks(shown, canary))).toEqual([]);
  });

  it('of another key of the account is refused', async () => {
    const ciphertext = await encrypted(VALUE, undefined, await newKey());

    const failure = await failureOf(managerWith({ KEY: ciphertext }).readSecret('KEY'));

    expect(['MALFORMED', 'ACCESS_DENIED']).toContain(failure.code); // AWS and moto differ
    expect(leaks(everythingOf(failure), VALUE)).toBe(false);
  });

  it('by a key that is missing, disabled or being deleted is a wrong configuration', async () => {
    const off = await newKey();
    const going = await newKey();
    const secrets = { OFF: await encrypted(VALUE, undefined, off), KEY: await encrypted(VALUE) };
    await client.send(new DisableKeyCommand({ KeyId: off }));
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: going }));
    disabled.add(off);
    deleted.add(going);
    const manager = managerWith(secrets, { keyId: off });
    const reads = [
      manager.readSecret('OFF'),
      managerWith(secrets, { keyId: going }).readSecret('KEY'),
      managerWith(secrets, { keyId: '1234abcd-12ab-34cd-56ef-1234567890ab' }).readSecret('KEY'),
      manager.writeSecret('NEW', VALUE),
      manager.checkHealth(),
      managerWith(secrets, { keyId: going }).checkHealth(),
    ];

    const failures = await Promise.all(reads.map((read) => failureOf(read)));

    expect(failures).toMatchObject(Array(6).fill({ code: 'MISCONFIGURED' }));
    expect(leaks(everythingOf(failures), VALUE)).toBe(false);
    await client.send(new EnableKeyCommand({ KeyId: off }));
    disabled.delete(off);
    await expect(manager.readSecret('OFF')).resolves.toMatchObject({ value: VALUE });
    await expect(manager.checkHealth()).resolves.toBe(true);
  });

  it('starts, and keeps the other names of a batch', async () => {
    const sealed = await encrypted(VALUE);
    const manager = managerWith({ A: sealed, B: sealed, BAD: 'sk-plain', EMPTY: '' });

    await manager.validateEnvironment();
    const answers = await manager.readSecrets(['A', 'B', 'BAD', 'EMPTY', 'ABSENT']);

    expect(answers.get('A')).toMatchObject({ value: VALUE });
    expect(answers.get('B')).toMatchObject({ value: VALUE });
    expect(answers.get('BAD')).toMatchObject({ code: 'MALFORMED', secretName: 'BAD' });
    expect(answers.get('EMPTY')).toMatchObject({ code: 'MALFORMED', secretName: 'EMPTY' });
    expect(answers.get('ABSENT')).toBeUndefined();
    expect(moto.endpoint.actions).toEqual(['Decrypt']);
  });
});
