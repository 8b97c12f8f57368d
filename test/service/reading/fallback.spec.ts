import {
  CustomSecretManager,
  SECRET_MANAGER_ERROR_CODES,
  type Fallback,
  type SecretManagerErrorCode,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith, type Started } from '../../support/application';
import { failureOf } from '../../support/failure-of';

const FALLBACKS = ['never', 'on-absence', 'on-unavailable', 'on-any-failure'] as const;
const TRANSIENT: readonly SecretManagerErrorCode[] = ['TIMEOUT', 'UNAVAILABLE', 'THROTTLED'];

function isCovered(fallback: Fallback, code: SecretManagerErrorCode): boolean {
  return (
    fallback === 'on-any-failure' || (fallback === 'on-unavailable' && TRANSIENT.includes(code))
  );
}

const TABLE = FALLBACKS.flatMap((fallback) =>
  SECRET_MANAGER_ERROR_CODES.map((code) => ({ fallback, code, covers: isCovered(fallback, code) })),
);

function startFailing(
  code: SecretManagerErrorCode,
  environment = { KEY: 'environment' },
): Promise<Started> {
  const store = new InMemorySecretManager({ KEY: 'store' });
  store.fail(code);
  return startWith(store, { environment, retry: false, circuitBreaker: false });
}

describe('the fallback to the environment', () => {
  afterEach(closeApplications);

  it.each(TABLE.filter(({ covers }) => covers))(
    '"$fallback" covers $code',
    async ({ fallback, code }) => {
      const { secrets } = await startFailing(code);

      const values = [await secrets.get('KEY', { fallback }), secrets.getSync('KEY', { fallback })];

      expect(values).toEqual(['environment', 'environment']);
      expect((await secrets.getMany(['KEY'], { fallback })).get('KEY')).toEqual({
        value: 'environment',
      });
    },
  );

  it.each(TABLE.filter(({ covers }) => !covers))(
    '"$fallback" lets $code through',
    async ({ fallback, code }) => {
      const { secrets } = await startFailing(code);

      const error = await failureOf(secrets.get('KEY', { fallback, default: 'default' }));

      expect(error).toMatchObject({ code, secretName: 'KEY', retryable: TRANSIENT.includes(code) });
      await expect(failureOf(() => secrets.getSync('KEY', { fallback }))).resolves.toMatchObject({
        code,
      });
      expect((await secrets.getMany(['KEY'], { fallback })).get('KEY')).toMatchObject({
        error: { code },
      });
    },
  );

  it.each(FALLBACKS)(
    '"%s" lets the failure through if the environment has nothing, whatever the default',
    async (fallback) => {
      const { secrets } = await startFailing('UNAVAILABLE', {} as never);

      const error = await failureOf(secrets.get('KEY', { fallback, default: 'default' }));

      expect(error.code).toBe('UNAVAILABLE');
    },
  );

  it('is "on-absence" by default', async () => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store, {
      environment: { KEY: 'environment' },
      retry: false,
    });
    await expect(secrets.get('KEY')).resolves.toBe('environment');
    secrets.invalidate();

    store.fail('unavailable');

    await expect(failureOf(secrets.get('KEY'))).resolves.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(secrets.get('KEY', { fallback: 'on-unavailable' })).resolves.toBe('environment');
  });

  it('never covers the abort of the caller', async () => {
    class Hanging extends CustomSecretManager {
      override readSecret(): Promise<never> {
        return new Promise(() => undefined);
      }
    }
    const { secrets } = await startWith(new Hanging(), {
      fallback: 'on-any-failure',
      environment: { KEY: 'environment' },
    });
    const caller = new AbortController();

    const read = failureOf(secrets.get('KEY', { signal: caller.signal }));
    const many = failureOf(secrets.getMany(['KEY'], { signal: caller.signal }));
    caller.abort();

    await expect(read).resolves.toMatchObject({ code: 'CANCELLED' });
    await expect(many).resolves.toMatchObject({ code: 'CANCELLED' });
    await expect(failureOf(secrets.get('KEY', { signal: caller.signal }))).resolves.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('warns once when the environment takes over, and once when the store answers again, without a value', async () => {
    const store = new InMemorySecretManager({ KEY: 'hvs.of-the-store' });
    const { secrets, log } = await startWith(store, {
      fallback: 'on-unavailable',
      environment: { KEY: 'hvs.of-the-environment' },
      retry: false,
      circuitBreaker: false,
      cache: false,
    });
    store.fail('unavailable');
    for (let time = 0; time < 3; time++) await secrets.get('KEY');
    store.heal();
    for (let time = 0; time < 3; time++) await secrets.get('KEY');
    store.fail('throttled');
    await secrets.get('KEY');

    expect(log.warnings).toEqual([
      expect.stringMatching(/in-memory failed with UNAVAILABLE; "KEY" comes from the environment/),
      expect.stringMatching(/in-memory answers for "KEY" again/),
      expect.stringMatching(/in-memory failed with THROTTLED; "KEY"/),
    ]);
    expect(log.lines.join()).not.toContain('hvs.');
  });

  it('prefers a cached value to the environment', async () => {
    const store = new InMemorySecretManager({ KEY: 'store' });
    const { secrets } = await startWith(store, {
      fallback: 'on-unavailable',
      environment: { KEY: 'environment' },
      retry: false,
      cache: { ttlMs: 0, staleWhileRevalidateMs: 0 },
    });
    await secrets.get('KEY');

    store.fail('unavailable');

    await expect(secrets.get('KEY')).resolves.toBe('store');
  });
});
