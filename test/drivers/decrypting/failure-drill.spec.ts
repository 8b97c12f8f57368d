import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import {
  DecryptingSecretManager,
  awsKms,
  googleKms,
  vaultTransit,
  type Cipher,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { LocalServer, type Reply, type Responder } from '../../integration/support/local-server';
import { VAULT_FAULTS, repeating } from '../../integration/support/vault-faults';
import { closeApplications, startWith, type Started } from '../../support/application';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';

const TOKEN = 'hvs.canary-of-the-token';
const SECRET_KEY = 'canary/secret/access/key/of/the/test';
const VALUE = 'sk-canary-value-0123456789';
const SEALED = Buffer.from('zq7-canary-that-is-sealed').toString('base64');
const CANARIES = [TOKEN, SECRET_KEY, VALUE, SEALED, 'zq7-canary-that-is-sealed'];

/** The key services, each with a ciphertext of its form. */
const SERVICES: readonly (readonly [
  name: string,
  ciphertext: string,
  create: (address: string) => Cipher,
])[] = [
  [
    'Vault transit',
    `vault:v1:${SEALED}`,
    (address) => vaultTransit({ address, auth: { method: 'token', token: TOKEN }, key: 'app' }),
  ],
  [
    'AWS KMS',
    SEALED,
    (endpoint) =>
      awsKms({
        keyId: 'alias/app',
        region: 'eu-central-1',
        endpoint,
        credentials: { accessKeyId: 'AKIACANARYACCESSKEY1', secretAccessKey: SECRET_KEY },
      }),
  ],
  [
    'Google KMS',
    SEALED,
    (endpoint) =>
      googleKms(
        {
          key: 'projects/payments/locations/europe-west3/keyRings/app/cryptoKeys/app',
          endpoint,
          auth: { getAccessToken: () => TOKEN },
        },
        {},
      ),
  ],
];

const PAGE = `<html><body>${VALUE}</body></html>`;

const FAILURES: readonly (readonly [
  what: string,
  reply: Reply | undefined,
  code: SecretManagerErrorCode,
  retryAfterMs: number | undefined,
])[] = [
  ['is sealed or down', { status: 503, content: PAGE }, 'UNAVAILABLE', undefined],
  [
    'is down and names a time',
    { status: 503, headers: { 'retry-after': '7' }, content: PAGE },
    'UNAVAILABLE',
    7_000,
  ],
  [
    'asks for fewer calls',
    { status: 429, headers: { 'retry-after': '3' }, content: PAGE },
    'THROTTLED',
    3_000,
  ],
  ['is behind a firewall that refuses', { status: 403, content: PAGE }, 'UNAVAILABLE', undefined],
  ['is a page', { status: 200, content: PAGE }, 'MALFORMED', undefined],
  ['answers with nothing', { status: 200, content: '' }, 'MALFORMED', undefined],
  [
    'answers with another form',
    { status: 200, content: { data: [VALUE] } },
    'MALFORMED',
    undefined,
  ],
  ['never answers', undefined, 'TIMEOUT', undefined],
];

describe.each(SERVICES)('the failure drill of %s', (_, ciphertext, create) => {
  let server: LocalServer;
  let respond: Responder;
  let started: Started;

  beforeEach(async () => {
    server = await new LocalServer((received) => respond(received)).start();
    const cipher = create(server.address);
    started = await startWith(
      new DecryptingSecretManager({
        inner: new InMemorySecretManager({ KEY: ciphertext }),
        decrypt: cipher,
        encrypt: cipher,
      }),
      { settings: { accessMode: 'read_and_write' }, retry: false },
    );
  });

  afterEach(async () => {
    await closeApplications();
    await server.stop();
  });

  function assertNoLeak(failures: unknown): void {
    const output = [everythingOf(failures), ...started.log.lines].join('\n');
    expect(CANARIES.filter((canary) => leaks(output, canary))).toEqual([]);
  }

  it.each(FAILURES)('reports a service that %s', async (_what, reply, code, retryAfterMs) => {
    respond = () => reply;
    const { secrets } = started;
    const timeoutMs = reply === undefined ? 150 : 5_000;

    const many = await secrets.getMany(['KEY'], { timeoutMs });
    const failures = [
      await failureOf(secrets.get('KEY', { timeoutMs })),
      await failureOf(secrets.set('KEY', VALUE, { timeoutMs })),
    ];

    expect(many.get('KEY')).toMatchObject({ error: { code } });
    expect(failures).toMatchObject([
      { code, secretName: 'KEY' },
      { code, secretName: 'KEY' },
    ]);
    expect(failures.map((failure) => failure.retryAfterMs)).toEqual([retryAfterMs, retryAfterMs]);
    assertNoLeak([many, ...failures]);
  });

  it('reports a service that is not there, and serves again when it is', async () => {
    await server.stop();

    const failure = await failureOf(started.secrets.get('KEY'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', secretName: 'KEY' });
    assertNoLeak(failure);
    await server.start();
  });

  it.each(VAULT_FAULTS)('quotes nothing of %s', async (what, fault) => {
    respond = (received) => fault(repeating(received, VALUE));
    const timeoutMs = what === 'a hang' ? 100 : 5_000;

    const failure = await failureOf(started.secrets.get('KEY', { timeoutMs }));

    expect(failure.secretName).toBe('KEY');
    expect(failure.code).not.toBe('NOT_FOUND');
    assertNoLeak(failure);
  });
});
