import {
  DecryptingSecretManager,
  googleKms,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import {
  InMemorySecretManager,
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { crc32c } from '../../lib/drivers/google/crc32c';
import { OutsideServer } from '../support/outside-server';
import { wrapped } from '../support/wrapped';

interface Outcome {
  readonly answer?: { readonly plaintext?: string; readonly ciphertext?: string };
  readonly code?: number;
}

const TOKEN = 'token-of-the-test';
const RING = 'projects/payments/locations/europe-west3/keyRings/app/cryptoKeys';
const AAD = 'of the app';

const google = new OutsideServer('outside-google-kms.process.mjs');
let client: ChildProcess;
let lines: Interface;
let store = new InMemorySecretManager();

beforeAll(async () => {
  await google.start();
  const script = join(__dirname, '..', 'support', 'google-kms-client.process.cjs');
  const port = new URL(google.address).port;
  const stdio: ('pipe' | 'inherit')[] = ['pipe', 'pipe', 'inherit'];
  client = spawn(process.execPath, [script, port, TOKEN], { stdio });
  if (client.stdout === null) throw new Error('the client has no output');
  lines = createInterface({ input: client.stdout });
});

afterAll(async () => {
  client.stdin?.end();
  await once(client, 'exit');
  await google.stop();
});

async function call(
  method: 'encrypt' | 'decrypt',
  bytes: Buffer,
  { key = 'app', bound = AAD } = {},
): Promise<Outcome> {
  const field = method === 'encrypt' ? 'plaintext' : 'ciphertext';
  const line = once(lines, 'line') as Promise<[string]>;
  const request = {
    name: `${RING}/${key}`,
    [field]: bytes.toString('base64'),
    [`${field}Crc32c`]: String(crc32c(bytes)),
    additionalAuthenticatedData: Buffer.from(bound).toString('base64'),
  };
  client.stdin?.write(`${JSON.stringify({ method, request })}\n`);
  return JSON.parse((await line)[0]) as Outcome;
}

function manager(): DecryptingSecretManager {
  store = new InMemorySecretManager();
  const kms = googleKms(
    {
      key: `${RING}/app`,
      additionalAuthenticatedData: AAD,
      endpoint: google.address,
      auth: { getAccessToken: () => TOKEN },
    },
    {},
  );
  return new DecryptingSecretManager({ inner: store, decrypt: kms, encrypt: kms });
}

/** Google's own client holds the fake to the protocol. */
describe('The client of Google KMS', () => {
  it.each(['value', '', 'ä\u0000\n€'])(
    'and the manager open what the other sealed',
    async (text) => {
      const ours = manager();

      const sealed = await call('encrypt', Buffer.from(text));
      store.rotate('THEIRS', sealed.answer?.ciphertext ?? '');
      await ours.writeSecret('OURS', text);
      const stored = store.readSecretSync('OURS')?.value ?? '';
      const opened = await call('decrypt', Buffer.from(stored, 'base64'));

      await expect(ours.readSecret('THEIRS')).resolves.toMatchObject({ value: text });
      expect(sealed).toMatchObject({ answer: { verifiedPlaintextCrc32c: true } });
      expect(Buffer.from(opened.answer?.plaintext ?? '', 'base64').toString()).toBe(text);
      await ours.close();
    },
  );

  it.each<[string, { key?: string; bound?: string }, number]>([
    ['other data', { bound: 'of another' }, 400],
    ['another key', { key: 'other' }, 400],
    ['a disabled key', { key: 'disabled' }, 400],
    ['a missing key', { key: 'missing' }, 404],
    ['a denied key', { key: 'denied' }, 403],
  ])('understands the refusal of %s', async (_, other, code) => {
    const sealed = await call('encrypt', Buffer.from('value'));
    const bytes = Buffer.from(sealed.answer?.ciphertext ?? '', 'base64');

    await expect(call('decrypt', bytes, other)).resolves.toEqual({ code });
  });
});

const bare: ConformanceHarness = {
  create: manager,
  seed: async (name, value) => {
    const { answer } = await call('encrypt', Buffer.from(value));
    store.rotate(name, answer?.ciphertext ?? '');
  },
  fail: (fault) => store.fail(fault),
  spoil: (name) => store.rotate(name, 'YWJj'),
  maxValueBytes: 65_536,
  canaries: [TOKEN],
  lacks: ['sync'], // without an asynchronous read before it, the object of the login has no token yet
  caseTimeoutMs: 15_000,
};

describe.each([
  ['bare', bare],
  ['with every policy', wrapped(bare)],
])('the decrypting manager over Google KMS, %s', (_, harness) => {
  const cases = secretManagerConformance(harness).filter(({ skip }) => skip === undefined);

  it('runs with most of the kit', () => {
    expect(cases.length).toBeGreaterThanOrEqual(120);
  });

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});
