import { StoreResponseError } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { translateError } from '../../../lib/core/errors/error-table';
import { closeApplications, startWith } from '../../support/application';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';

const CANARY = 'canary-of-the-body-7b1f';
const context = { manager: 'team', operation: 'readSecret', secretName: 'KEY' };

describe('StoreResponseError', () => {
  it.each([
    [400, 'INVALID_ARGUMENT', false],
    [401, 'UNAUTHENTICATED', false],
    [403, 'ACCESS_DENIED', false],
    [404, 'NOT_FOUND', false],
    [408, 'TIMEOUT', true],
    [409, 'CONFLICT', false],
    [418, 'UNKNOWN', false],
    [429, 'THROTTLED', true],
    [501, 'UNSUPPORTED', false],
    [503, 'UNAVAILABLE', true],
    [599, 'UNAVAILABLE', true],
  ])('with the status %d becomes %s', (statusCode, code, retryable) => {
    const error = translateError(new StoreResponseError(statusCode), context);

    expect(error).toMatchObject({ code, retryable, secretName: 'KEY' });
    expect(error.message).toContain(`(StoreResponseError, HTTP ${statusCode})`);
  });

  it.each<[string, object, number]>([
    ['seconds', { 'retry-after': '7' }, 7_000],
    ['seconds in a list', { 'retry-after': ['7', '9'] }, 7_000],
    ['a number', { 'Retry-After': 7 }, 7_000],
    ['a Headers object', new Headers({ 'Retry-After': '7' }), 7_000],
    ['a date', { 'retry-after': 'Wed, 01 Jan 2025 00:00:30 GMT' }, 30_000],
  ])('passes on Retry-After as %s', (_, headers, expected) => {
    jest.useFakeTimers({ now: new Date('2025-01-01T00:00:00Z') });

    const { retryAfterMs } = translateError(new StoreResponseError(503, { headers }), context);

    jest.useRealTimers();
    expect(retryAfterMs).toBe(expected);
  });

  it.each<[string, object]>([
    ['a token', { 'set-cookie': CANARY, authorization: CANARY, 'retry-after': '1' }],
    ['a Headers object with a token', new Headers({ 'x-token': CANARY })],
    ['text in Retry-After', { 'retry-after': CANARY }],
  ])('shows nothing of headers with %s', (_, headers) => {
    const error = new StoreResponseError(500, { headers });

    const seen = everythingOf([error, translateError(error, context)]);

    expect(leaks(seen, CANARY)).toBe(false);
    expect(error.message).toBe('The store answered 500.');
  });

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [CANARY, 'a string'],
    ['503', 'a string'],
    [{ status: 503 }, 'an object'],
    [0, '0'],
    [99, '99'],
    [600, '600'],
    [503.5, '503.5'],
    [Number.NaN, 'NaN'],
  ])('refuses %p as a status code', async (statusCode, shown) => {
    const error = await failureOf(() => new StoreResponseError(statusCode as number));

    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: `StoreResponseError takes the HTTP status code of the response, an integer from 100 to 599, and got ${shown}.`,
    });
  });

  it('is retryable by its status', async () => {
    const manager = new InMemorySecretManager({ KEY: 'value' });
    const read = jest.spyOn(manager, 'readSecret');
    const { secrets } = await startWith(manager, { retry: { baseDelayMs: 1 } });
    read.mockRejectedValueOnce(new StoreResponseError(503));

    const value = await secrets.get('KEY');

    await closeApplications();
    expect(value).toBe('value');
    expect(read).toHaveBeenCalledTimes(2);
  });
});
