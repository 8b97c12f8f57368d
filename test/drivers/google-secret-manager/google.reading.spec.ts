import { failureOf } from '../../support/failure-of';
import { GoogleFixture } from './fixture';

describe('A read of Google Secret Manager', () => {
  const google = new GoogleFixture();

  beforeEach(() => google.start());
  afterEach(() => google.stop());

  const read = (params = {}, name = 'KEY'): Promise<unknown> =>
    google.manager().readSecret(name, { params });

  it('returns the value and the number of the newest version', async () => {
    google.fake.store.put('KEY', 'first');
    google.fake.store.put('KEY', 'second');

    await expect(read()).resolves.toEqual({ value: 'second', version: '2' });
    expect(google.fake.asked).toEqual(['GET /v1/projects/p/secrets/KEY/versions/latest:access']);
  });

  it.each([1, '1'])('returns the version %p', async (version) => {
    google.fake.store.put('KEY', 'first');
    google.fake.store.put('KEY', 'second');

    await expect(read({ version })).resolves.toEqual({ value: 'first', version: '1' });
  });

  it('asks for an alias', async () => {
    google.fake.store.put('KEY', 'first');

    await expect(read({ version: 'stable-1' })).resolves.toBeUndefined();
    expect(google.fake.asked[0]).toContain('/versions/stable-1:access');
  });

  it.each([0, -1, 1.5, '', '0', 'NEW', '1x', 'a/b', '../x', {}, null, 'x'.repeat(64)])(
    'refuses the version %p without a request',
    async (version) => {
      const failure = await failureOf(read({ version }));

      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY' });
      expect(failure.message).toContain('params.version');
      expect(google.fake.requests).toEqual([]);
    },
  );

  it('refuses an unknown param', async () => {
    await expect(read({ versionId: '1' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('returns undefined for a missing secret, a missing version and a secret without versions', async () => {
    google.fake.store.put('KEY', 'first');
    google.fake.store.putEmpty('EMPTY');

    const answers = [await read({}, 'ABSENT'), await read({ version: 9 }), await read({}, 'EMPTY')];

    expect(answers).toEqual([undefined, undefined, undefined]);
  });

  it.each(['DISABLED', 'DESTROYED'] as const)(
    'throws NOT_FOUND, and says so, if the newest version is %s',
    async (state) => {
      google.fake.store.put('KEY', 'first');
      google.fake.store.put('KEY', 'second');
      google.fake.store.setState('KEY', 2, state);

      const failure = await failureOf(read());

      expect(failure).toMatchObject({ code: 'NOT_FOUND', secretName: 'KEY', retryable: false });
      expect(failure.message).toContain(`is ${state.toLowerCase()}`);
      await expect(read({ version: 1 })).resolves.toEqual({ value: 'first', version: '1' });
    },
  );

  it('throws NOT_FOUND for a failed precondition that names no state', async () => {
    const error = { code: 400, status: 'FAILED_PRECONDITION', message: 'no' };
    google.fake.fail({ status: 400, body: { error } });

    await expect(read()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('accepts a value without a checksum', async () => {
    google.fake.store.put('KEY', 'value');
    google.fake.store.checksum = 'missing';

    await expect(read()).resolves.toEqual({ value: 'value', version: '1' });
  });

  it('throws MALFORMED for a wrong checksum', async () => {
    google.fake.store.put('KEY', 'value');
    google.fake.store.checksum = 'wrong';

    const failure = await failureOf(read());

    expect(failure.code).toBe('MALFORMED');
    expect(failure.message).toContain('CRC32C');
  });

  it('throws MALFORMED for bytes that are no UTF-8, unless another encoding is wanted', async () => {
    google.fake.store.put('KEY', Buffer.from([0xff, 0x00, 0x80]));

    await expect(read()).rejects.toMatchObject({ code: 'MALFORMED' });
    await expect(read({ encoding: 'hex' })).resolves.toEqual({ value: 'ff0080', version: '1' });
    await expect(read({ encoding: 'base64' })).resolves.toMatchObject({ value: '/wCA' });
    await expect(read({ encoding: 'utf16' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it.each([
    ['another secret', { name: 'projects/1/secrets/OTHER/versions/1', payload: { data: 'dg==' } }],
    ['no version', { name: 'projects/1/secrets/KEY', payload: { data: 'dg==' } }],
    ['no payload', { name: 'projects/1/secrets/KEY/versions/1' }],
    ['no data', { name: 'projects/1/secrets/KEY/versions/1', payload: {} }],
    ['no base64', { name: 'projects/1/secrets/KEY/versions/1', payload: { data: 'a b!' } }],
    ['a list', []],
    ['a text', 'canary-value'],
  ])('throws MALFORMED for an answer with %s', async (_, body) => {
    google.fake.fail({ status: 200, body });

    await expect(read()).rejects.toMatchObject({ code: 'MALFORMED', operation: 'readSecret' });
  });

  it('reads regional secrets from their own namespace', async () => {
    google.fake.store.put('KEY', 'global');
    google.fake.store.put('KEY', 'regional', 'europe-west3');

    const regional = await google.manager({ location: 'europe-west3' }).readSecret('KEY');

    expect(regional).toMatchObject({ value: 'regional' });
    expect(google.fake.asked).toEqual([
      'GET /v1/projects/p/locations/europe-west3/secrets/KEY/versions/latest:access',
    ]);
  });

  it('sends the quota project, and encodes the project of a domain', async () => {
    const manager = google.manager({ projectId: 'example.com:p', quotaProjectId: 'payer' });

    await manager.readSecret('KEY');

    const [request] = google.fake.requests;
    expect(request?.headers['x-goog-user-project']).toBe('payer');
    expect(request?.path).toContain('/projects/example.com%3Ap/secrets/');
  });

  it('reads many names, one request each, and keeps failures apart', async () => {
    google.fake.store.put('A', 'a');
    google.fake.store.denied.add('B');

    const answers = await google.manager().readSecrets(['A', 'B', 'C', 'no/id']);

    expect(answers.get('A')).toEqual({ value: 'a', version: '1' });
    expect(answers.get('B')).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(answers.get('C')).toBeUndefined();
    expect(answers.get('no/id')).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(google.fake.asked).toHaveLength(3);
  });
});

describe('A health check of Google Secret Manager', () => {
  const google = new GoogleFixture();

  beforeEach(() => google.start());
  afterEach(() => google.stop());

  it('reads a name that is never there', async () => {
    await expect(google.manager().checkHealth()).resolves.toBe(true);
    expect(google.fake.asked).toEqual([
      expect.stringMatching(/^GET .*health-check\/versions\/latest:access$/),
    ]);
  });

  it('is healthy if Google denies the read', async () => {
    google.fake.fail('denied');

    await expect(google.manager().checkHealth()).resolves.toBe(true);
  });

  it.each([
    ['unauthenticated', 'UNAUTHENTICATED'],
    ['throttled', 'THROTTLED'],
    ['unavailable', 'UNAVAILABLE'],
    ['disabled API', 'MISCONFIGURED'],
    ['HTML 404', 'MISCONFIGURED'],
    ['HTML 403', 'UNAVAILABLE'],
    ['malformed', 'MALFORMED'],
  ] as const)('fails if the store is %s', async (fault, code) => {
    google.fake.fail(fault);

    const failure = await failureOf(() => google.manager().checkHealth());

    expect(failure).toMatchObject({ code, operation: 'checkHealth' });
  });
});
