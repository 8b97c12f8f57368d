import { HttpException, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import type { SecretManagerError, SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { translateError } from '../../../lib/core/errors/error-table';
import { everythingOf, leaks } from '../../support/failure-of';
import { CANARY, THROWN } from './thrown';

const context = { manager: 'team', operation: 'readSecret', secretName: 'KEY' };

function codeOf(thrown: unknown): SecretManagerErrorCode {
  return translateError(thrown, context).code;
}

function errorWith(fields: object, message = CANARY): Error {
  return Object.defineProperties(new Error(message), Object.getOwnPropertyDescriptors(fields));
}

const STATUSES: readonly [number, SecretManagerErrorCode][] = [
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'ACCESS_DENIED'],
  [404, 'NOT_FOUND'],
  [405, 'UNKNOWN'],
  [408, 'TIMEOUT'],
  [409, 'CONFLICT'],
  [412, 'UNAVAILABLE'],
  [418, 'UNKNOWN'],
  [422, 'INVALID_ARGUMENT'],
  [425, 'UNAVAILABLE'],
  [429, 'THROTTLED'],
  [301, 'UNKNOWN'],
  [500, 'UNAVAILABLE'],
  [501, 'UNSUPPORTED'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'TIMEOUT'],
  [599, 'UNAVAILABLE'],
];

const NODE_CODES: readonly [string, SecretManagerErrorCode][] = [
  ['ECONNREFUSED', 'UNAVAILABLE'],
  ['ECONNRESET', 'UNAVAILABLE'],
  ['ENOTFOUND', 'UNAVAILABLE'],
  ['EAI_AGAIN', 'UNAVAILABLE'],
  ['EPIPE', 'UNAVAILABLE'],
  ['EHOSTUNREACH', 'UNAVAILABLE'],
  ['UND_ERR_SOCKET', 'UNAVAILABLE'],
  ['ETIMEDOUT', 'TIMEOUT'],
  ['UND_ERR_CONNECT_TIMEOUT', 'TIMEOUT'],
  ['UND_ERR_HEADERS_TIMEOUT', 'TIMEOUT'],
  ['UND_ERR_BODY_TIMEOUT', 'TIMEOUT'],
  ['CERT_HAS_EXPIRED', 'MISCONFIGURED'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'MISCONFIGURED'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'MISCONFIGURED'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'MISCONFIGURED'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'MISCONFIGURED'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'MISCONFIGURED'],
  ['EPROTO', 'MISCONFIGURED'],
  ['EACCES', 'ACCESS_DENIED'],
  ['EROFS', 'ACCESS_DENIED'],
  ['EIO', 'UNAVAILABLE'],
  ['EMFILE', 'UNAVAILABLE'],
  ['ENOSPC', 'UNAVAILABLE'],
  ['ESTALE', 'UNAVAILABLE'],
  ['ESOMETHINGNEW', 'UNKNOWN'],
];

const NAMES: readonly [string, SecretManagerErrorCode][] = [
  ['TimeoutError', 'TIMEOUT'],
  ['AbortError', 'CANCELLED'],
  ['ResourceNotFoundException', 'NOT_FOUND'],
  ['AccessDeniedException', 'ACCESS_DENIED'],
  ['ExpiredTokenException', 'UNAUTHENTICATED'],
  ['ThrottlingException', 'THROTTLED'],
  ['ResourceExistsException', 'CONFLICT'],
  ['InternalServiceError', 'UNAVAILABLE'],
  ['TypeError', 'UNKNOWN'],
  ['toString', 'UNKNOWN'],
  ['constructor', 'UNKNOWN'],
];

/** Tokens and passwords that look like a class name, a code, or an errno. */
const TOKENS = [
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  'AKIAIOSFODNN7EXAMPLE',
  'EAKIAIOSFODNN7EXAMPLE',
  'hunter2_of_production',
  'ERR_16C7e42F292c6912E7710c838347',
  'ERR_AKIAIOSFODNN7EXAMPLE',
  'ERR_INVALID_AKIAIOSFODNN7EXAMPLE',
  'ERR_SSL_AKIAIOSFODNN7EXAMPLE',
  'ERR_TLS_AKIAIOSFODNN7EXAMPLE',
  'UND_ERR_AKIAIOSFODNN7EXAMPLE',
  'CERT_AKIAIOSFODNN7EXAMPLE',
  'ErrorAKIAIOSFODNN7EXAMPLE',
  `${'AKIAIOSFODNN7EXAMPLE'.repeat(4)}Error`,
  'sk-proj-AKIAIOSFODNN7EXAMPLE.Error',
] as const;

const GRPC_STATUSES: readonly [number, SecretManagerErrorCode][] = [
  [1, 'CANCELLED'],
  [2, 'UNKNOWN'],
  [3, 'INVALID_ARGUMENT'],
  [4, 'TIMEOUT'],
  [5, 'NOT_FOUND'],
  [6, 'CONFLICT'],
  [7, 'ACCESS_DENIED'],
  [8, 'THROTTLED'],
  [9, 'INVALID_ARGUMENT'],
  [10, 'CONFLICT'],
  [11, 'INVALID_ARGUMENT'],
  [12, 'UNSUPPORTED'],
  [13, 'UNAVAILABLE'],
  [14, 'UNAVAILABLE'],
  [15, 'UNKNOWN'],
  [16, 'UNAUTHENTICATED'],
];

describe('an error that a manager throws', () => {
  it.each(STATUSES)(
    'with the status %d becomes %s, whichever field holds the status',
    (status, code) => {
      const shapes = [
        { status },
        { statusCode: status },
        { response: { status } },
        { response: { statusCode: status } },
        { $metadata: { httpStatusCode: status } },
      ];

      expect(shapes.map((shape) => codeOf(errorWith(shape)))).toEqual(shapes.map(() => code));
      expect(codeOf(new HttpException(CANARY, status))).toBe(code);
      expect(codeOf({ status })).toBe(code);
    },
  );

  it.each(NODE_CODES)('with the code %s becomes %s, even one cause deep', (nodeCode, code) => {
    const cause = errorWith({ code: nodeCode });

    expect(codeOf(cause)).toBe(code);
    expect(codeOf(new TypeError('fetch failed', { cause }))).toBe(code);
  });

  it('is not searched two causes deep', () => {
    const cause = new Error('outer', { cause: errorWith({ code: 'ECONNREFUSED' }) });

    expect(codeOf(new Error('outermost', { cause }))).toBe('UNKNOWN');
  });

  it.each(NAMES)('with the name %s becomes %s', (name, code) => {
    expect(codeOf(errorWith({ name }))).toBe(code);
  });

  it('is classified by name before code, and by code before status', () => {
    expect(codeOf(errorWith({ name: 'AbortError', code: 'ECONNRESET', status: 500 }))).toBe(
      'CANCELLED',
    );
    expect(codeOf(errorWith({ code: 'ECONNRESET', status: 403 }))).toBe('UNAVAILABLE');
    expect(codeOf(errorWith({ code: 'ERR_BAD_REQUEST', response: { status: 403 } }))).toBe(
      'ACCESS_DENIED',
    );
  });

  it('may be an exception of Nest or of the platform', () => {
    expect(codeOf(new NotFoundException(CANARY))).toBe('NOT_FOUND');
    expect(codeOf(new ServiceUnavailableException(CANARY))).toBe('UNAVAILABLE');
    expect(codeOf(AbortSignal.abort().reason)).toBe('CANCELLED');
    expect(codeOf(new DOMException(CANARY, 'TimeoutError'))).toBe('TIMEOUT');
    expect(codeOf(parseError())).toBe('MALFORMED');
  });

  it.each([
    ['TIMEOUT', true],
    ['UNAVAILABLE', true],
    ['THROTTLED', true],
    ['MISCONFIGURED', false],
    ['UNKNOWN', false],
    ['NOT_FOUND', false],
  ] as const)('and becomes %s is retryable: %p', (code, retryable) => {
    const byCode = {
      TIMEOUT: 408,
      UNAVAILABLE: 503,
      THROTTLED: 429,
      NOT_FOUND: 404,
      UNKNOWN: 418,
    } as const;
    const thrown =
      code === 'MISCONFIGURED' ? { code: 'CERT_HAS_EXPIRED' } : { status: byCode[code] };

    expect(translateError(errorWith(thrown), context)).toMatchObject({ code, retryable });
  });

  it.each(THROWN)('as %s becomes a SecretManagerError without its text', (_, thrown) => {
    const error = translateError(thrown, context);

    expect(error).toMatchObject({
      name: 'SecretManagerError',
      code: 'UNKNOWN',
      retryable: false,
      ...context,
    });
    expect(error.message).toMatch(
      /team\.readSecret\(\) of "KEY" failed: .*Throw a SecretManagerError.*`debug`/,
    );
    expect(leaks(everythingOf(error), CANARY)).toBe(false);
    expect(error).not.toHaveProperty('cause');
  });

  it.each([...STATUSES.map(([status]) => ({ status })), ...NODE_CODES.map(([code]) => ({ code }))])(
    'with %j loses its text',
    (fields) => {
      const thrown = errorWith({
        ...fields,
        body: CANARY,
        response: { body: CANARY },
        cause: new Error(CANARY),
      });

      expect(leaks(everythingOf(translateError(thrown, context)), CANARY)).toBe(false);
    },
  );

  it('keeps the class, the code and the status of the original', () => {
    class VaultError extends Error {
      override name = 'VaultError';
    }
    const thrown = Object.assign(new VaultError(CANARY), { code: 'ECONNRESET', status: 503 });

    const { message } = translateError(thrown, context);

    expect(message).toMatch(/\(VaultError, ECONNRESET, HTTP 503\)$/);
  });

  it.each(['Error', 'TypeError', 'ServiceException', 'Vault_Error', '$Error'])(
    'keeps the class %s, which ends like an error class',
    (name) => {
      expect(translateError(errorWith({ name }), context).message).toContain(`(${name})`);
    },
  );

  it.each([
    'EADDRINUSE',
    'ENOTFOUND',
    'ERR_INVALID_URL',
    'ERR_INVALID_ARG_TYPE',
    'ERR_STREAM_DESTROYED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_HTTP2_STREAM_ERROR',
    'UND_ERR_SOCKET',
    'UND_ERR',
    'CERT_HAS_EXPIRED',
    'ThrottlingException',
  ])('keeps the code %s, which a table lists', (code) => {
    const cause = errorWith({ code });

    expect(translateError(cause, context).message).toContain(code);
    expect(translateError(new TypeError(CANARY, { cause }), context).message).toContain(code);
  });

  it.each(TOKENS)('does not quote %s, whichever field holds the token', (token) => {
    const named = class extends Error {
      override readonly name = token;
    };
    const shapes = [
      errorWith({ name: token }),
      errorWith({ code: token }),
      errorWith({ name: 'VaultError', code: token, status: 503 }),
      errorWith({ cause: { code: token, name: token } }),
      new named(CANARY),
      { name: token, code: token, status: token, statusCode: token },
    ];

    const seen = shapes.map((shape) => everythingOf(translateError(shape, context)));

    expect(seen.filter((text) => leaks(text, token))).toEqual([]);
  });

  it.each(GRPC_STATUSES)(
    'with the gRPC status %d becomes %s, even one cause deep',
    (code, ours) => {
      const shapes = [
        { code, details: CANARY },
        { code, metadata: { internalRepr: new Map([['token', [CANARY]]]) } },
        { code, details: '', metadata: {} },
      ];

      const errors = shapes.flatMap((shape) => [
        translateError(errorWith(shape), context),
        translateError(shape, context),
        translateError(new Error(CANARY, { cause: errorWith(shape) }), context),
      ]);

      expect(errors.map((error) => error.code)).toEqual(errors.map(() => ours));
      expect(errors.every(({ message }) => message.includes(`gRPC ${code}`))).toBe(true);
      expect(leaks(errors.map(everythingOf).join('\n'), CANARY)).toBe(false);
    },
  );

  it.each([0, 17, -1, 14.5, 404, '14', Number.NaN])(
    'with the code %p and details has no gRPC status',
    (code) => {
      expect(codeOf(errorWith({ code, details: 'text', metadata: {} }))).toBe('UNKNOWN');
    },
  );

  it('has no gRPC status by a numeric code alone, like that of a DOMException', () => {
    expect(codeOf(errorWith({ code: 14 }))).toBe('UNKNOWN');
    expect(codeOf(new DOMException(CANARY, 'NotFoundError'))).toBe('UNKNOWN');
    expect(codeOf(new DOMException(CANARY, 'AbortError'))).toBe('CANCELLED');
  });

  it('is classified by an HTTP status before a gRPC status', () => {
    expect(codeOf(errorWith({ code: 5, details: 'text', status: 503 }))).toBe('UNAVAILABLE');
  });

  it('keeps the frames of the class of the user on top of the stack', () => {
    const { stack } = thrownInside();

    expect(stack).toMatch(/^SecretManagerError: team\.readSecret\(\)/);
    expect(stack).toContain('TeamSecretManager.readSecret');
    expect(stack).not.toContain(CANARY);
  });
});

describe('Retry-After', () => {
  beforeEach(() => void jest.useFakeTimers({ now: new Date('2025-01-01T00:00:00Z') }));
  afterEach(() => jest.useRealTimers());

  it.each<[string, unknown, number | undefined]>([
    ['seconds', '7', 7_000],
    ['seconds as a number', 7, 7_000],
    ['a fraction of a second', '0.5', 500],
    ['a date', 'Wed, 01 Jan 2025 00:00:30 GMT', 30_000],
    ['a date that has passed', 'Tue, 31 Dec 2024 23:59:30 GMT', undefined],
    ['0', '0', undefined],
    ['a number below 0', '-5', undefined],
    ['nonsense', 'soon', undefined],
    ['an object', { CANARY }, undefined],
    ['the first of several', ['3', '9'], 3_000],
  ])('may be %s', (_, value, expected) => {
    const named = { 'retry-after': value };
    const shapes = [
      { headers: named },
      { response: { headers: named } },
      { headers: { 'Retry-After': value } },
      { $response: { headers: named } },
    ];

    const read = shapes.map(
      (shape) => translateError(errorWith({ status: 429, ...shape }), context).retryAfterMs,
    );

    expect(read).toEqual(shapes.map(() => expected));
  });

  it('is read from a Headers object', () => {
    const thrown = errorWith({
      status: 503,
      response: { headers: new Headers({ 'Retry-After': '2' }) },
    });

    expect(translateError(thrown, context)).toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterMs: 2_000,
    });
  });

  it('is ignored if the headers throw', () => {
    const headers = {
      get: () => {
        throw new Error(CANARY);
      },
    };

    const error = translateError(errorWith({ status: 429, headers }), context);

    expect(error).toMatchObject({ code: 'THROTTLED' });
    expect(error).not.toHaveProperty('retryAfterMs');
  });
});

describe('the delay that a gRPC server asks for', () => {
  it.each<[string, object, number | undefined]>([
    ['seconds', { statusDetails: [{}, { retryDelay: { seconds: '3', nanos: 5e8 } }] }, 3_500],
    ['a number of seconds', { statusDetails: [{ retryDelay: { seconds: 2 } }] }, 2_000],
    ['JSON', { statusDetails: [{ retryDelay: '1.5s' }] }, 1_500],
    ['pushback', { metadata: new Map([['grpc-retry-pushback-ms', ['250']]]) }, 250],
    ['nonsense', { statusDetails: [{ retryDelay: 'soon' }] }, undefined],
    ['no list', { statusDetails: CANARY }, undefined],
    ['0', { statusDetails: [{ retryDelay: { seconds: 0 } }] }, undefined],
  ])('may be %s', (_, fields, expected) => {
    const thrown = errorWith({ code: 8, details: CANARY, ...fields });

    expect(translateError(thrown, context).retryAfterMs).toBe(expected);
  });
});

function parseError(): unknown {
  try {
    return JSON.parse(CANARY);
  } catch (error) {
    return error;
  }
}

function thrownInside(): SecretManagerError {
  class TeamSecretManager {
    readSecret(): never {
      throw new Error(CANARY);
    }
  }
  class BoundaryPolicy {
    call(): never {
      return new TeamSecretManager().readSecret();
    }
  }
  try {
    return new BoundaryPolicy().call();
  } catch (thrown) {
    return translateError(thrown, context);
  }
}
