import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { refusal, type Reply } from '../../../support/aws-endpoint';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { CREDENTIALS, Fixture } from '../fixture';

const VALUE = 'sk-canary-value-0123456789';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

const REFUSALS: readonly [string, Reply, SecretManagerErrorCode, RegExp][] = [
  ['a denial', refusal('AccessDeniedException'), 'ACCESS_DENIED', /secretsmanager:GetSecretValue/],
  [
    'a denial of the key',
    refusal('AccessDeniedException', 'Access to KMS is not allowed'),
    'ACCESS_DENIED',
    /KMS key/,
  ],
  ['a key that cannot decrypt', refusal('DecryptionFailure'), 'ACCESS_DENIED', /KMS key/],
  ['an expired token', refusal('ExpiredTokenException'), 'UNAUTHENTICATED', /expired\. Renew/],
  [
    'a token that is unknown',
    refusal('UnrecognizedClientException'),
    'UNAUTHENTICATED',
    /credentials/,
  ],
  [
    'a wrong key',
    refusal('InvalidSignatureException', 'The request signature we calculated does not match', 403),
    'UNAUTHENTICATED',
    /Check key/,
  ],
  [
    'a clock that is late',
    refusal(
      'InvalidSignatureException',
      'Signature expired: 20250101T000000Z is now earlier than',
      403,
    ),
    'UNAUTHENTICATED',
    /Check the clock/,
  ],
  [
    'a clock that is early',
    refusal('InvalidSignatureException', 'Signature not yet current: 20250101T000000Z', 403),
    'UNAUTHENTICATED',
    /Check the clock/,
  ],
  ['a clock that is wrong', refusal('RequestTimeTooSkewed'), 'UNAUTHENTICATED', /Check the clock/],
  ['throttling', refusal('ThrottlingException'), 'THROTTLED', /fewer calls/],
  ['too many requests', refusal('TooManyRequestsException', '', 429), 'THROTTLED', /fewer calls/],
  [
    'an error of the service',
    refusal('InternalServiceError', '', 500),
    'UNAVAILABLE',
    /may succeed later/,
  ],
  [
    'a service that is unavailable',
    refusal('ServiceUnavailableException', '', 503),
    'UNAVAILABLE',
    /may succeed later/,
  ],
  [
    'a request that came too slowly',
    refusal('RequestTimeoutException', '', 408),
    'TIMEOUT',
    /in time/,
  ],
  ['a wrong name', refusal('ValidationException'), 'INVALID_ARGUMENT', /letters, digits/],
  [
    'a version without the stage',
    refusal(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    ),
    'INVALID_ARGUMENT',
    /stage/,
  ],
  [
    'a secret with copies',
    refusal(
      'InvalidParameterException',
      "You can't delete secret KEY that still has replica regions",
    ),
    'INVALID_ARGUMENT',
    /replicaRegions/,
  ],
  [
    'a copy',
    refusal('InvalidParameterException', 'Operation not permitted on a replica secret.'),
    'INVALID_ARGUMENT',
    /is a copy/,
  ],
  ['a quota', refusal('LimitExceededException'), 'INVALID_ARGUMENT', /quota/],
  ['an error without a body', { status: 500, body: '' }, 'UNAVAILABLE', /HTTP 500/],
  [
    'the HTML of a load balancer',
    { status: 503, body: '<html>busy</html>' },
    'UNAVAILABLE',
    /HTTP 503/,
  ],
  [
    'the HTML of a proxy that denies',
    { status: 403, body: '<html>no</html>' },
    'UNAVAILABLE',
    /HTTP 403.*firewall or a proxy/,
  ],
  [
    'the JSON of a proxy that denies',
    { status: 403, body: '{"code":403}' },
    'UNAVAILABLE',
    /HTTP 403/,
  ],
  ['an unknown name', refusal('BrandNewException', '', 400), 'INVALID_ARGUMENT', /HTTP 400/],
  [
    'a redirect',
    { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    'MISCONFIGURED',
    /no redirect is followed. Check `endpoint`/,
  ],
  ['HTML', { body: '<html></html>' }, 'MALFORMED', /not the API of Secrets Manager/],
  ['half an answer', 'half', 'UNAVAILABLE', /could not be reached/],
  ['a connection that is cut off', 'reset', 'TIMEOUT', /did not answer in time/],
  ['an empty answer', { body: {} }, 'MALFORMED', /neither text nor bytes/],
  [
    'a value of the wrong type',
    { body: { SecretString: 42 } },
    'MALFORMED',
    /neither text nor bytes/,
  ],
  ['bytes that are no base64', { body: { SecretBinary: '!' } }, 'MALFORMED', /not understood/],
];

describe('the manager for AWS', () => {
  it.each(REFUSALS)('translates %s', async (_, reply, code, text) => {
    const manager = fixture.translated();
    fixture.aws.reply('GetSecretValue', reply);

    const failure = await failureOf(manager.readSecret('app/KEY'));

    expect(failure).toMatchObject({ code, secretName: 'app/KEY', operation: 'readSecret' });
    expect(failure.message).toMatch(text);
    expect(failure.message).toContain('"app/KEY"');
  });

  it.each<[string, Reply]>([
    [
      'a refusal',
      ({ headers }) => refusal('AccessDeniedException', JSON.stringify(headers) + VALUE),
    ],
    [
      'an unknown refusal',
      ({ headers }) => refusal('NewException', JSON.stringify(headers) + VALUE),
    ],
    ['JSON with an error in it', { body: `{"SecretString":"${VALUE}"` }],
    ['text', { body: VALUE }],
    [
      'an error page',
      ({ headers }) => ({ status: 502, body: JSON.stringify(headers) + VALUE + '<' }),
    ],
    ['a value of the wrong type', { body: { SecretString: { VALUE } } }],
    ['headers', { status: 500, headers: { 'x-echo': VALUE } }],
  ])('quotes nothing of the message of AWS in %s', async (_, reply) => {
    const manager = fixture.manager();
    fixture.aws.reply('GetSecretValue', reply);

    const thrown: unknown = await manager.readSecret('KEY').catch((error: unknown) => error);

    const shown = everythingOf(thrown);
    const canaries = [
      VALUE,
      CREDENTIALS.secretAccessKey,
      CREDENTIALS.sessionToken,
      CREDENTIALS.accessKeyId,
    ];
    expect(canaries.filter((canary) => leaks(shown, canary))).toEqual([]);
  });

  it.each<[string, Reply]>([
    ['with a name', { ...refusal('ThrottlingException'), headers: { 'retry-after': '3' } }],
    ['without one', { status: 503, body: '<html>', headers: { 'retry-after': '3' } }],
  ])('passes on the delay that AWS asks for in a refusal %s', async (_, reply) => {
    const manager = fixture.translated();
    fixture.aws.reply('GetSecretValue', reply);

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure).toMatchObject({ retryable: true, retryAfterMs: 3_000 });
  });

  it('makes one attempt, because the library retries', async () => {
    const manager = fixture.translated();
    fixture.aws.reply('GetSecretValue', refusal('InternalServiceError', '', 500));

    await failureOf(manager.readSecret('KEY'));

    expect(fixture.aws.actions).toEqual(['GetSecretValue']);
  });

  it('corrects its clock by the answer of AWS, for a write, too', async () => {
    const manager = fixture.manager();
    const anHourAgo = new Date(Date.now() - 3_600_000).toUTCString();
    const tooLate = refusal('InvalidSignatureException', 'Signature expired: now earlier', 403);
    fixture.aws.reply(
      'PutSecretValue',
      { ...tooLate, headers: { date: anHourAgo } },
      { body: { VersionId: 'v1' } },
    );

    const written = await manager.writeSecret('KEY', 'value');

    expect(written).toEqual({ version: 'v1' });
    const [wrong, right] = fixture.aws.requests.map(({ headers }) => headers['x-amz-date']);
    expect(wrong).not.toBe(right);
  });

  it('reports the clock if the correction does not help', async () => {
    const manager = fixture.translated();
    const anHourAgo = new Date(Date.now() - 3_600_000).toUTCString();
    const tooLate = refusal('InvalidSignatureException', 'Signature expired: now earlier', 403);
    fixture.aws.reply('GetSecretValue', { ...tooLate, headers: { date: anHourAgo } });

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure.message).toContain('Check the clock');
    expect(fixture.aws.requests).toHaveLength(2);
  });

  it('says what to do if there are no credentials', async () => {
    const credentials = () =>
      Promise.reject(Object.assign(new Error('secret text'), { name: 'CredentialsProviderError' }));
    const manager = fixture.translated({ credentials });

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(failure.message).toContain('AWS_ACCESS_KEY_ID');
    expect(failure.message).not.toContain('secret text');
  });

  it('distinguishes an unreachable store from a missing secret', async () => {
    const manager = fixture.translated({ endpoint: 'http://127.0.0.1:1' });

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
  });
});
