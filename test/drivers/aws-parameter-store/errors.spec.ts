import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import type { AwsParameterStoreSecretManagerOptions } from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { refusal, type Reply } from '../../support/aws-endpoint';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';
import { CREDENTIALS, Fixture, parameter } from './fixture';

const VALUE = 'sk-canary-value-0123456789';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
  fixture.aws.reply('DescribeParameters', { body: { Parameters: [] } });
});

afterEach(() => fixture.close());

const OF_READS: readonly (readonly [Reply, SecretManagerErrorCode, RegExp])[] = [
  [refusal('AccessDeniedException'), 'ACCESS_DENIED', /ssm:GetParameter/],
  [refusal('ThrottlingException'), 'THROTTLED', /fewer calls/],
  [refusal('InvalidKeyId'), 'MISCONFIGURED', /KMS key/],
  [refusal('InternalServerError', '', 500), 'UNAVAILABLE', /later/],
  [refusal('ExpiredTokenException'), 'UNAUTHENTICATED', /expired/],
  [refusal('UnrecognizedClientException'), 'UNAUTHENTICATED', /credentials/],
  [refusal('ValidationException'), 'INVALID_ARGUMENT', /ASCII letters/],
  [refusal('BrandNewException'), 'INVALID_ARGUMENT', /HTTP 400/],
  [{ status: 403, body: '<html>no</html>' }, 'UNAVAILABLE', /firewall or a proxy.*let the request/],
  [{ status: 403, body: '{"message":"no"}' }, 'UNAVAILABLE', /firewall or a proxy/],
  [{ status: 403, body: '{"code":403}' }, 'UNAVAILABLE', /firewall or a proxy/],
  [{ status: 403, body: '' }, 'UNAVAILABLE', /HTTP 403/],
  [{ status: 401, body: '<html>no</html>' }, 'UNAVAILABLE', /HTTP 401/],
  [{ status: 407, body: '<html>no</html>' }, 'UNAVAILABLE', /HTTP 407/],
  [{ status: 400, body: '<html>no</html>' }, 'MISCONFIGURED', /HTTP 400.*Check `endpoint`/],
  [{ status: 404, body: '<html>no</html>' }, 'MISCONFIGURED', /HTTP 404.*Check `endpoint`/],
  [refusal('NoSuchPage', '', 404), 'MISCONFIGURED', /HTTP 404/],
  [{ status: 405, body: '<html>no</html>' }, 'MISCONFIGURED', /HTTP 405/],
  [{ status: 503, body: '<html>busy</html>' }, 'UNAVAILABLE', /HTTP 503/],
  [{ status: 429, body: '' }, 'THROTTLED', /HTTP 429/],
  [{ body: '<html></html>' }, 'MALFORMED', /not the API of Parameter Store/],
  [{ body: {} }, 'MALFORMED', /without a text/],
  [{ body: { Parameter: { Name: 'NAME', Value: 42 } } }, 'MALFORMED', /without a text/],
  [
    { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
    'MISCONFIGURED',
    /no redirect is followed. Check `endpoint`/,
  ],
  ['half', 'UNAVAILABLE', /could not be reached/],
  ['reset', 'TIMEOUT', /in time/],
  ['endless', 'MALFORMED', /8 MiB, which no answer of Parameter Store is/],
];

const OF_WRITES: readonly (readonly [name: string, SecretManagerErrorCode, RegExp])[] = [
  ['HierarchyTypeMismatchException', 'INVALID_ARGUMENT', /another type/],
  ['HierarchyLevelLimitExceededException', 'INVALID_ARGUMENT', /15 levels/],
  ['IncompatiblePolicyException', 'INVALID_ARGUMENT', /policies/],
  ['InvalidAllowedPatternException', 'INVALID_ARGUMENT', /AllowedPattern/],
  ['InvalidKeyId', 'MISCONFIGURED', /`kmsKeyId`/],
  ['ParameterLimitExceeded', 'INVALID_ARGUMENT', /quota/],
  ['ParameterMaxVersionLimitExceeded', 'INVALID_ARGUMENT', /100 versions/],
  ['ParameterPatternMismatchException', 'INVALID_ARGUMENT', /AllowedPattern/],
  ['PoliciesLimitExceededException', 'INVALID_ARGUMENT', /policies/],
  ['TooManyUpdates', 'THROTTLED', /another update/],
  ['TooManyTagsError', 'INVALID_ARGUMENT', /tags/],
  ['UnsupportedParameterType', 'INVALID_ARGUMENT', /type/],
  ['ThrottlingException', 'THROTTLED', /fewer calls/],
];

describe('the manager for Parameter Store', () => {
  it.each(OF_READS)('translates %j in a read to %s', async (reply, code, text) => {
    fixture.aws.reply('GetParameter', reply);

    const failure = await failureOf(fixture.translated().readSecret('NAME'));

    expect(failure).toMatchObject({ code, secretName: 'NAME', operation: 'readSecret' });
    expect(failure.message).toMatch(text);
  });

  it.each(OF_WRITES)('translates %s in a write to %s', async (name, code, text) => {
    fixture.aws.reply('PutParameter', refusal(name, VALUE));

    const failure = await failureOf(fixture.translated().writeSecret('NAME', VALUE));

    expect(failure).toMatchObject({ code, secretName: 'NAME', operation: 'writeSecret' });
    expect(failure.message).toMatch(text);
    expect(leaks(everythingOf(failure), VALUE)).toBe(false);
  });

  it.each<[string, Reply]>([
    [
      'a refusal',
      ({ headers }) => refusal('AccessDeniedException', JSON.stringify(headers) + VALUE),
    ],
    ['an unknown one', ({ headers }) => refusal('NewException', JSON.stringify(headers) + VALUE)],
    ['JSON with an error in it', { body: `{"Parameter":{"Value":"${VALUE}"` }],
    ['a page', ({ headers }) => ({ status: 502, body: JSON.stringify(headers) + VALUE + '<' })],
    ['a value of the wrong type', { body: { Parameter: { Value: { VALUE } } } }],
  ])('quotes nothing of AWS in the error for %s', async (_, reply) => {
    fixture.aws.reply('*', reply);
    const manager = fixture.manager();

    const thrown: unknown[] = [];
    for (const call of [
      manager.readSecret('NAME'),
      manager.writeSecret('NAME', VALUE),
      manager.deleteSecret('NAME'),
      manager.describeSecret('NAME'),
      manager.readSecrets(['A', 'B']),
    ]) {
      thrown.push(await call.catch((error: unknown) => error));
    }

    const shown = everythingOf(thrown);
    const canaries = [VALUE, ...Object.values(CREDENTIALS)];
    expect(canaries.filter((canary) => leaks(shown, canary))).toEqual([]);
  });

  it('passes on the delay that AWS asks for', async () => {
    const reply = { ...refusal('ThrottlingException'), headers: { 'retry-after': '3' } };
    fixture.aws.reply('GetParameter', reply);

    const failure = await failureOf(fixture.translated().readSecret('NAME'));

    expect(failure).toMatchObject({ code: 'THROTTLED', retryable: true, retryAfterMs: 3_000 });
    expect(fixture.aws.requests).toHaveLength(1);
  });

  it('times out at its own deadline', async () => {
    fixture.aws.reply('GetParameter', 'hang');

    const failure = await failureOf(fixture.translated().readSecret('NAME', { timeoutMs: 20 }));

    expect(failure).toMatchObject({ code: 'TIMEOUT' });
  });
});

describe('the health of Parameter Store', () => {
  it.each<[string, Reply]>([
    ['a missing parameter', refusal('ParameterNotFound')],
    ['a denial', refusal('AccessDeniedException')],
    ['a parameter', parameter('NAME')],
  ])('is good with %s, and spends one read', async (_, reply) => {
    fixture.aws.reply('GetParameter', reply);

    await expect(fixture.manager({ pathPrefix: '/app' }).checkHealth()).resolves.toBe(true);
    expect(fixture.aws.requests.map(({ input }) => input)).toEqual([
      { Name: '/app/nestjs-custom-secret-manager-health-check', WithDecryption: true },
    ]);
  });

  it.each<[Reply, SecretManagerErrorCode]>([
    [refusal('ThrottlingException'), 'THROTTLED'],
    [refusal('InternalServerError', '', 500), 'UNAVAILABLE'],
    [refusal('UnrecognizedClientException'), 'UNAUTHENTICATED'],
  ])('is bad with %j', async (reply, code) => {
    fixture.aws.reply('GetParameter', reply);

    const failure = await failureOf(fixture.translated().checkHealth());

    expect(failure).toMatchObject({ code });
  });
});

describe('credentials that a function of the application gives', () => {
  const IDENTITY = { accessKeyId: 'AKIA', secretAccessKey: 'canary-key' };

  it.each<[string, () => unknown]>([
    ['an error with a secret', () => Promise.reject(new Error('canary-in-a-text'))],
    ['a thrown string', () => Promise.reject('canary-in-a-text')], // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors
    ['null', () => Promise.resolve(null)],
    ['nothing', () => Promise.resolve({})],
    ['a line break', () => Promise.resolve({ ...IDENTITY, accessKeyId: 'a\r\nx: canary' })],
    ['a token with one', () => Promise.resolve({ ...IDENTITY, sessionToken: 'a\r\nx: canary' })],
  ])('are UNAUTHENTICATED with %s, and show nothing', async (_, provide) => {
    const options = { credentials: provide } as AwsParameterStoreSecretManagerOptions;

    const failure = await failureOf(fixture.manager(options).readSecret('NAME'));

    expect(failure.code).toBe('UNAUTHENTICATED');
    expect(everythingOf(failure)).not.toContain('canary');
    expect(fixture.aws.requests).toEqual([]);
  });
});
