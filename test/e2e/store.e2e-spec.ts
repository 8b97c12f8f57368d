import { type SecretManagerErrorCode, type SecretsService } from 'nestjs-custom-secret-manager';
import { closeApplications, startWith } from '../support/application';
import { failureOf } from '../support/failure-of';
import { FAULTS, FaultStore, type Fault } from '../support/fault-store';
import { HttpSecretManager } from '../support/http.secret-manager';

const CODES: Readonly<Record<Fault, SecretManagerErrorCode>> = {
  '401': 'UNAUTHENTICATED',
  '403': 'ACCESS_DENIED',
  '404': 'NOT_FOUND',
  '408': 'TIMEOUT',
  '412': 'UNAVAILABLE',
  '429 in seconds': 'THROTTLED',
  '429 as a date': 'THROTTLED',
  '500': 'UNAVAILABLE',
  '501': 'UNSUPPORTED',
  '502': 'UNAVAILABLE',
  '503': 'UNAVAILABLE',
  reset: 'UNAVAILABLE',
  refused: 'UNAVAILABLE',
  hang: 'TIMEOUT',
  'slow body': 'TIMEOUT',
  'truncated body': 'UNAVAILABLE',
  'invalid JSON': 'MALFORMED',
  'plain text': 'MALFORMED',
  HTML: 'MALFORMED',
  'wrong shape': 'MALFORMED',
  'wrong type': 'MALFORMED',
  empty: 'MALFORMED',
  '2 MB': 'MALFORMED',
  redirect: 'UNKNOWN',
  'redirect with credentials': 'UNKNOWN',
};

const TRANSIENT: readonly SecretManagerErrorCode[] = ['TIMEOUT', 'UNAVAILABLE', 'THROTTLED'];

describe('a store over HTTP', () => {
  let store: FaultStore;
  let secrets: SecretsService;

  beforeEach(async () => {
    store = await new FaultStore().start();
    store.secrets.set('KEY', 'value').set('team/KEY', 'of the team');
    const manager = new HttpSecretManager(store, { token: 'token', password: 'password' });
    const options = {
      attemptTimeoutMs: 150,
      retry: { baseDelayMs: 1, maxDelayMs: 1 },
      environment: { KEY: 'env' },
    };
    ({ secrets } = await startWith(manager, options));
  });
  afterEach(async () => {
    await closeApplications();
    await store.stop();
  });

  it('returns its secrets, and undefined for missing ones', async () => {
    const values = [
      await secrets.get('KEY'),
      await secrets.get('team/KEY'),
      await secrets.get('NONE'),
    ];

    expect(values).toEqual(['value', 'of the team', undefined]);
    expect(store.requests[1]).toBe('GET /v1/secret/team%2FKEY');
  });

  it.each(FAULTS)(
    'that breaks with %s causes an error with its code, and no absence',
    async (fault) => {
      store.fail(fault);

      const error = await failureOf(secrets.get('KEY', { timeoutMs: 400, default: 'default' }));

      expect(error).toMatchObject({
        code: CODES[fault],
        retryable: TRANSIENT.includes(CODES[fault]),
        manager: 'team-vault',
        secretName: 'KEY',
      });
    },
  );

  it.each(FAULTS.filter((fault) => !TRANSIENT.includes(CODES[fault])))(
    'that breaks with %s is asked once',
    async (fault) => {
      store.fail(fault);

      await failureOf(secrets.get('KEY'));

      expect(store.requests).toHaveLength(1);
    },
  );

  it.each(['500', '502', '503', '408', '412', 'reset', 'truncated body', 'hang'] as const)(
    'that breaks with %s twice is asked a third time',
    async (fault) => {
      store.fail(fault, 2);

      const value = await secrets.get('KEY');

      expect(value).toBe('value');
      expect(store.requests).toHaveLength(3);
    },
  );

  it.each([
    ['429 in seconds', 900, 1_000],
    ['429 as a date', 1, 2_000],
  ] as const)(
    'that asks for a delay with %s is asked again after it',
    async (fault, atLeast, atMost) => {
      store.fail(fault);

      const error = await failureOf(secrets.get('KEY', { timeoutMs: 100 }));

      expect(error.code).toBe('THROTTLED');
      expect(error.retryAfterMs).toBeGreaterThanOrEqual(atLeast);
      expect(error.retryAfterMs).toBeLessThanOrEqual(atMost);
      expect(store.requests).toHaveLength(1);
    },
  );

  it('is asked once for a hundred concurrent reads of one secret', async () => {
    const values = await Promise.all(Array.from({ length: 100 }, () => secrets.get('KEY')));

    expect(new Set(values)).toEqual(new Set(['value']));
    expect(store.requests).toHaveLength(1);
  });

  it('may hold a secret of 2 MB', async () => {
    const large = 'x'.repeat(2 * 1024 * 1024);
    store.secrets.set('LARGE', large);

    const value = await secrets.get('LARGE');

    expect(value === large).toBe(true);
  });
});
