import { jsonOf, type HttpAnswer } from '../../../../lib/drivers/http/wire/http-request';
import { storeError, type ErrorDialect } from '../../../../lib/drivers/http/wire/store-errors';

const DIALECT: ErrorDialect = {
  store: 'the Test Store',
  rows: [[403, /Disabled/, 'NOT_FOUND', 'the secret is disabled']],
  reasonOf: (answer) => {
    const reason = jsonOf(answer)?.reason;
    return typeof reason === 'string' ? reason : undefined;
  },
};

const PAGE = '<html>canary-77aa</html>';
const own = (reason = 'canary-77aa') => JSON.stringify({ reason });

const answerOf = (statusCode: number, body: string, headers = {}): HttpAnswer => ({
  statusCode,
  headers,
  body: Buffer.from(body),
  asked: 'GET https://store.example/secrets/KEY?canary-77aa=1',
});

describe('the error of an answer', () => {
  it.each<[statusCode: number, body: string, code: string]>([
    [200, own(), 'MALFORMED'],
    [204, '', 'MALFORMED'],
    [302, PAGE, 'MISCONFIGURED'],
    [400, own(), 'INVALID_ARGUMENT'],
    [400, PAGE, 'MISCONFIGURED'],
    [401, own(), 'UNAUTHENTICATED'],
    [401, PAGE, 'UNAVAILABLE'],
    [403, own(), 'ACCESS_DENIED'],
    [403, own('SecretDisabled'), 'NOT_FOUND'],
    [403, PAGE, 'UNAVAILABLE'],
    [404, own(), 'NOT_FOUND'],
    [404, PAGE, 'MISCONFIGURED'],
    [405, PAGE, 'MISCONFIGURED'],
    [408, own(), 'TIMEOUT'],
    [409, own(), 'CONFLICT'],
    [413, own(), 'INVALID_ARGUMENT'],
    [418, own(), 'UNKNOWN'],
    [418, PAGE, 'UNAVAILABLE'],
    [429, PAGE, 'THROTTLED'],
    [500, own(), 'UNAVAILABLE'],
    [501, own(), 'UNSUPPORTED'],
    [502, PAGE, 'UNAVAILABLE'],
    [504, PAGE, 'TIMEOUT'],
    [600, PAGE, 'UNKNOWN'],
  ])('is, for %i with the body %s, %s', (statusCode, body, code) => {
    const error = storeError(answerOf(statusCode, body), 'Reading "KEY"', DIALECT);

    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^Reading "KEY" failed: /);
    expect(error.message).toMatch(`(HTTP ${statusCode}, GET https://store.example/secrets/KEY)`);
    expect(error.message).not.toMatch('canary-77aa');
  });

  it('has the pause of Retry-After', () => {
    const answer = answerOf(429, own(), { 'retry-after': '7' });

    expect(storeError(answer, 'Reading', DIALECT).retryAfterMs).toBe(7_000);
  });
});
