import { failureOf } from '../../support/failure-of';
import type { GoogleFault } from '../../support/fake-google-secret-manager';
import { GoogleFixture, TOKEN } from './fixture';

const failing = (status: number, code: string, reason?: string): GoogleFault => {
  const details = reason === undefined ? undefined : [{ reason, domain: 'googleapis.com' }];
  return {
    status,
    body: { error: { code: status, message: 'canary-text', status: code, details } },
  };
};

describe('An answer of Google Secret Manager', () => {
  const google = new GoogleFixture();

  beforeEach(() => google.start());
  afterEach(() => google.stop());

  it.each<[string, GoogleFault, string]>([
    ['400 INVALID_ARGUMENT', failing(400, 'INVALID_ARGUMENT'), 'INVALID_ARGUMENT'],
    [
      '401 with a known reason',
      failing(401, 'UNAUTHENTICATED', 'CREDENTIALS_MISSING'),
      'UNAUTHENTICATED',
    ],
    ['403', failing(403, 'PERMISSION_DENIED'), 'ACCESS_DENIED'],
    [
      '403 of an API that is off',
      failing(403, 'PERMISSION_DENIED', 'SERVICE_DISABLED'),
      'MISCONFIGURED',
    ],
    ['403 of billing', failing(403, 'PERMISSION_DENIED', 'BILLING_DISABLED'), 'MISCONFIGURED'],
    [
      '403 of a missing project',
      failing(403, 'PERMISSION_DENIED', 'CONSUMER_INVALID'),
      'MISCONFIGURED',
    ],
    [
      '403 of a quota project',
      failing(403, 'PERMISSION_DENIED', 'USER_PROJECT_DENIED'),
      'ACCESS_DENIED',
    ],
    ['429', failing(429, 'RESOURCE_EXHAUSTED'), 'THROTTLED'],
    ['499', failing(499, 'CANCELLED'), 'UNKNOWN'],
    ['500', failing(500, 'INTERNAL'), 'UNAVAILABLE'],
    ['503', failing(503, 'UNAVAILABLE'), 'UNAVAILABLE'],
    ['504', failing(504, 'DEADLINE_EXCEEDED'), 'TIMEOUT'],
    ['HTML with 200', { status: 200, body: '<html>' }, 'MALFORMED'],
    ['HTML with 400', { status: 400, body: '<html>' }, 'MISCONFIGURED'],
    ['HTML with 401', { status: 401, body: '<html>' }, 'UNAVAILABLE'],
    ['HTML with 403', 'HTML 403', 'UNAVAILABLE'],
    ['HTML with 404', 'HTML 404', 'MISCONFIGURED'],
    [
      'JSON of another server with 404',
      { status: 404, body: { error: 'nothing' } },
      'MISCONFIGURED',
    ],
    ['HTML with 429', { status: 429, body: '<html>' }, 'THROTTLED'],
    ['HTML with 502', 'HTML', 'UNAVAILABLE'],
    ['a redirect', 'redirect', 'MISCONFIGURED'],
  ])('with %s has its code', async (_, fault, code) => {
    google.fake.fail(fault);

    const failure = await failureOf(google.manager().readSecret('KEY'));

    expect(failure).toMatchObject({ code, secretName: 'KEY', operation: 'readSecret' });
    expect(failure.message).toContain('Reading "KEY" failed');
    expect(failure.message).not.toContain('canary');
  });

  it('passes on how long to wait', async () => {
    google.fake.fail('throttled');

    await expect(google.manager().readSecret('KEY')).rejects.toMatchObject({ retryAfterMs: 7_000 });
  });

  it('that denies may mean an absence, and says which role tells', async () => {
    google.fake.store.grants = 'per secret';

    const failure = await failureOf(google.manager().readSecret('ABSENT'));

    expect(failure.code).toBe('ACCESS_DENIED');
    expect(failure.message).toContain('or the secret does not exist');
    expect(failure.message).toContain('roles/secretmanager.secretAccessor');
    expect(failure.message).toContain('on the project');
  });

  it.each([
    ['writeSecret', 'secretVersionAdder', () => google.manager().writeSecret('KEY', 'value')],
    ['describeSecret', 'viewer', () => google.manager().describeSecret('KEY')],
    ['deleteSecret', 'admin', () => google.manager().deleteSecret('KEY')],
  ])('that denies %s names %s', async (operation, role, call) => {
    google.fake.store.put('KEY', 'value');
    google.fake.store.denied.add('KEY');

    const failure = await failureOf(call);

    expect(failure).toMatchObject({ code: 'ACCESS_DENIED', operation, secretName: 'KEY' });
    expect(failure.message).toContain(`roles/secretmanager.${role}`);
  });

  it('goes to the endpoint only: no redirect is followed', async () => {
    google.fake.fail({
      status: 307,
      headers: { location: `${google.fake.address}/v1/projects/p/secrets/OTHER` },
      body: '',
    });

    await failureOf(google.manager().readSecret('KEY'));

    expect(google.fake.requests).toHaveLength(1);
    expect(google.fake.requests[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  it('that does not come is a TIMEOUT', async () => {
    google.fake.fail('hanging');

    const failure = await failureOf(google.manager().readSecret('KEY', { timeoutMs: 50 }));

    expect(failure).toMatchObject({ code: 'TIMEOUT', secretName: 'KEY' });
  });

  it('that is slow counts', async () => {
    google.fake.store.put('KEY', 'value');
    google.fake.fail('slow');

    await expect(google.manager().readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
  });

  it('is UNAVAILABLE after close', async () => {
    const manager = google.manager();
    await manager.close();
    await manager.close();

    await expect(manager.readSecret('KEY')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(google.fake.requests).toEqual([]);
  });
});
