import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  GoogleSecretManager,
  type GoogleAuth,
} from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { inspect } from 'node:util';
import { compose } from '../../../lib/policies/compose';
import { resolveOptions } from '../../../lib/secret-manager.options';
import { everythingOf, leaks } from '../../support/failure-of';
import {
  FakeGoogleSecretManager,
  type GoogleFault,
} from '../../support/fake-google-secret-manager';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';

const VALUE = 'sk-canary/of+the=value';
const CLIENT_SECRET = 'canary-of-the-client-secret';
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const FAULTS: readonly GoogleFault[] = [
  'down',
  'unavailable',
  'denied',
  'unauthenticated',
  'throttled',
  'hanging',
  'malformed',
  'HTML',
  'HTML 403',
  'HTML 404',
  'redirect',
  'disabled API',
  { status: 200, body: { name: VALUE, payload: { data: VALUE }, value: VALUE } },
  {
    status: 302,
    headers: { location: `https://a:${encodeURIComponent(VALUE)}@127.0.0.1:1/` },
    body: VALUE,
  },
  { status: 429, headers: { 'retry-after': encodeURIComponent(VALUE) }, body: VALUE },
];

/** The logins, each with its secrets. */
const LOGINS: readonly (readonly [string, (fake: FakeGoogleSecretManager) => GoogleAuth])[] = [
  ['the metadata server', ({ port }) => ({ method: 'metadata', host: `127.0.0.1:${port}` })],
  [
    'the key of a service account',
    () => ({
      method: 'service-account',
      key: { type: 'service_account', client_email: 'app@p', private_key: PEM },
    }),
  ],
  [
    'a user',
    ({ address, logins }) => ({
      method: 'file',
      tokenUrl: `${address}/token`,
      path: fileOf({
        type: 'authorized_user',
        client_id: 'client',
        client_secret: CLIENT_SECRET,
        refresh_token: logins.refreshToken,
      }),
    }),
  ],
  [
    'a federation',
    ({ address }) => ({
      method: 'file',
      tokenUrl: `${address}/token`,
      path: fileOf({
        type: 'external_account',
        audience: 'a',
        subject_token_type: 'b',
        credential_source: {
          url: `${address}/identity`,
          headers: { 'x-identity': 'canary-of-a-header' },
          format: { type: 'json', subject_token_field_name: 'id_token' },
        },
        token_url: 'https://sts.googleapis.com/v1/token',
      }),
    }),
  ],
  ['an object of the application', () => ({ getAccessToken: () => 'canary-token-of-an-object' })],
];

function fileOf(content: object): string {
  const path = join(temporaryFolder(), 'credentials.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe('A secret of Google, a token and a credential', () => {
  let fake: FakeGoogleSecretManager;
  let output: string[];

  beforeEach(async () => {
    fake = await new FakeGoogleSecretManager().start();
    fake.logins.accounts.set('app@p', publicKey);
    fake.logins.tokens.add('canary-token-of-an-object');
    fake.store.put('KEY', VALUE);
    output = [];
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0);
    }
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await fake.stop();
    removeTemporaryFolders();
  });

  /** Everything that was secret: what the fake was sent, what it answered, and what the credential held. */
  const canaries = (): readonly string[] => [
    VALUE,
    Buffer.from(VALUE).toString('base64'),
    CLIENT_SECRET,
    PEM.split('\n')[3] ?? '',
    fake.logins.refreshToken,
    fake.logins.subjectToken,
    'canary-of-a-header',
    ...fake.logins.tokens,
    ...fake.requests.flatMap(({ headers }) => headers.authorization?.slice(7) ?? []),
  ];

  /** Runs every operation, bare and in the pipeline, and resolves to everything that can be seen. */
  const everything = async (auth: GoogleAuth, whileRunning: () => void): Promise<string> => {
    const options = { projectId: 'p', endpoint: fake.address, auth };
    const bare = new GoogleSecretManager(options, { HOME: '/nowhere' });
    const settings = { retry: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 1 }, timeoutMs: 300 };
    const { outermost } = compose(bare, resolveOptions(settings, bare));
    whileRunning();
    const timeoutMs = 150;
    const outcomes: unknown[] = await Promise.allSettled(
      [bare, outermost].flatMap((manager) => [
        manager.readSecret('KEY', { timeoutMs }),
        manager.writeSecret('KEY', VALUE, { timeoutMs, tags: { a: 'b' } }),
        manager.writeSecret('NEW', VALUE, { timeoutMs, createOnly: true }),
        manager.deleteSecret('OTHER', { timeoutMs }),
        manager.describeSecret('KEY', { timeoutMs }),
        manager.checkHealth({ timeoutMs }),
      ]),
    );
    const failures = outcomes.filter(
      (outcome) => (outcome as { status: string }).status === 'rejected',
    );
    const seen = [
      ...failures.map(everythingOf),
      inspect([bare, outermost], { depth: 9, showHidden: true }),
      ...output,
    ];
    await outermost.close();
    await bare.close();
    return seen.join('\n');
  };

  const leaking = (seen: string): readonly string[] =>
    canaries().filter((canary) => canary.length >= 8 && leaks(seen, canary));

  it.each(
    FAULTS.map((fault) => [typeof fault === 'string' ? fault : inspect(fault), fault] as const),
  )('leak nowhere while the store is %s', async (_, fault) => {
    const auth: GoogleAuth = { getAccessToken: () => 'canary-token-of-an-object' };

    const seen = await everything(auth, () => fake.fail(fault));

    expect(seen).toContain('SecretManagerError');
    expect(leaking(seen)).toEqual([]);
  });

  it.each(LOGINS)(
    'leak nowhere while the login is %s, and the store refuses it',
    async (_, auth) => {
      const seen = await everything(auth(fake), () => fake.fail('unauthenticated'));

      expect(seen).toContain('SecretManagerError');
      expect(fake.asked.length).toBeGreaterThan(0);
      expect(leaking(seen)).toEqual([]);
    },
  );

  it.each(LOGINS.slice(2, 4))(
    'leak nowhere while the login of %s fails and repeats it',
    async (_, auth) => {
      const repeated = [CLIENT_SECRET, fake.logins.refreshToken, fake.logins.subjectToken].join(
        ' ',
      );
      for (const refusal of [
        { status: 400, body: { error: 'invalid_grant', error_description: repeated } },
        { status: 400, body: { error: repeated } },
        { status: 500, body: repeated },
        { status: 200, body: { access_token: `${repeated}\n`, expires_in: 3600 } },
      ]) {
        fake.logins.refusal = refusal;

        const seen = await everything(auth(fake), () => undefined);

        expect(seen).toContain('SecretManagerError');
        expect(leaking(seen)).toEqual([]);
      }
    },
  );

  it('leak nowhere while all is well', async () => {
    const auth = LOGINS[2]?.[1];

    const seen = await everything(auth?.(fake) ?? { method: 'metadata' }, () => undefined);

    expect(fake.asked.length).toBeGreaterThan(5);
    expect(leaking(seen)).toEqual([]);
  });

  it('would be found by this test', () => {
    expect(leaking(`before ${VALUE.slice(2, 12)} after`)).toEqual([VALUE]);
  });
});
