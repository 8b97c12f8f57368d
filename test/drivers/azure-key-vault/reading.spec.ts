import { failureOf } from '../../support/failure-of';
import { failure, forbidden } from '../../support/fake-azure-key-vault';
import { Fixture, warningCodes } from './fixture';

describe('a read of the manager for Azure Key Vault', () => {
  let fixture: Fixture;
  let warnings: string[];

  beforeEach(async () => {
    warnings = warningCodes();
    fixture = await new Fixture().start();
  });

  afterEach(async () => {
    await fixture.close();
    jest.restoreAllMocks();
  });

  it('returns the value and its version', async () => {
    const version = fixture.fake.seed('API-KEY', 'value');

    await expect(fixture.manager().readSecret('API-KEY')).resolves.toEqual({
      value: 'value',
      version,
    });
    expect(fixture.fake.requests.at(-1)?.query.get('api-version')).toBe('7.4');
  });

  it('returns an empty value', async () => {
    fixture.fake.seed('API-KEY', '');

    await expect(fixture.manager().readSecret('API-KEY')).resolves.toMatchObject({ value: '' });
  });

  it('returns a version of params', async () => {
    const version = fixture.fake.seed('API-KEY', 'first');
    fixture.fake.seed('API-KEY', 'second');

    const reading = await fixture.manager().readSecret('API-KEY', { params: { version } });

    expect(reading).toEqual({ value: 'first', version });
  });

  it('answers undefined for a missing secret and a missing version', async () => {
    fixture.fake.seed('API-KEY', 'value');
    const manager = fixture.manager();

    const answers = [
      await manager.readSecret('ABSENT'),
      await manager.readSecret('API-KEY', { params: { version: '0'.repeat(32) } }),
    ];

    expect(answers).toEqual([undefined, undefined]);
  });

  it.each([
    ['base64', 'WsO8cmljaA=='],
    ['hex', '5ac3bc72696368'],
    ['utf8', 'Zürich'],
  ])('encodes the text as %s', async (encoding, value) => {
    fixture.fake.seed('CITY', 'Zürich');

    const reading = await fixture.manager().readSecret('CITY', { params: { encoding } });

    expect(reading?.value).toBe(value);
  });

  it.each([
    { version: '3' },
    { version: 3 },
    { version: `${'0'.repeat(31)}/` },
    { encoding: 'utf16' },
    { stage: 'x' },
  ])('refuses the params %j', async (params) => {
    const failed = await failureOf(fixture.manager().readSecret('API-KEY', { params }));

    expect(failed).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'API-KEY' });
    expect(fixture.fake.asked).toEqual([]);
  });

  it.each(['API_KEY', 'team/KEY', 'a.b', 'n'.repeat(128), 'ключ', 'a b'])(
    'refuses the name %s without mapName',
    async (name) => {
      const failed = await failureOf(fixture.manager().readSecret(name));

      expect(failed).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: name });
      expect(failed.message).toContain('mapName');
      expect(fixture.fake.asked).toEqual([]);
    },
  );

  it('takes upper and lower case for the same secret', async () => {
    fixture.fake.seed('API-KEY', 'value');

    await expect(fixture.manager().readSecret('api-key')).resolves.toMatchObject({
      value: 'value',
    });
  });

  it('throws NOT_FOUND for a disabled secret, and says so', async () => {
    fixture.fake.seed('API-KEY', 'value', { attributes: { enabled: false } });

    const failed = await failureOf(fixture.manager().readSecret('API-KEY'));

    expect(failed).toMatchObject({ code: 'NOT_FOUND', operation: 'readSecret' });
    expect(failed.message).toContain('disabled');
  });

  it('serves a secret past its expiry date, with one warning', async () => {
    fixture.fake.seed('API-KEY', 'value', { attributes: { exp: 1_000_000_000 } });
    const manager = fixture.manager();

    const values = [await manager.readSecret('API-KEY'), await manager.readSecret('API-KEY')];

    expect(values.map((reading) => reading?.value)).toEqual(['value', 'value']);
    expect(warnings).toEqual(['AZURE_SECRET_EXPIRED']);
  });

  it('serves a secret before its activation date', async () => {
    fixture.fake.seed('API-KEY', 'value', { attributes: { nbf: 4_000_000_000 } });

    const reading = await fixture.manager().readSecret('API-KEY');

    expect([reading?.value, warnings]).toEqual(['value', []]);
  });

  it.each([
    ['a 404 of another service', failure(404, 'ResourceNotFound'), 'MISCONFIGURED'],
    ['a web page', { status: 404, body: '<html>not found</html>' }, 'MISCONFIGURED'],
    ['a 404 without a body', { status: 404, body: '' }, 'MISCONFIGURED'],
    ['a denial by role', forbidden('ForbiddenByRbac'), 'ACCESS_DENIED'],
    ['a denial by policy', forbidden('ForbiddenByPolicy'), 'ACCESS_DENIED'],
    ['a denial by firewall', forbidden('ForbiddenByFirewall'), 'ACCESS_DENIED'],
    ['a 403 of a proxy', { status: 403, body: '<html>denied</html>' }, 'UNAVAILABLE'],
    ['a bad request', failure(400, 'BadParameter'), 'INVALID_ARGUMENT'],
    ['a throttled request', failure(429, 'Throttled'), 'THROTTLED'],
    ['an error of the vault', failure(500, 'InternalServerError'), 'UNAVAILABLE'],
    ['an outage', { status: 503, body: 'unavailable' }, 'UNAVAILABLE'],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example' } }, 'MISCONFIGURED'],
    ['no value', { status: 200, body: { id: 'https://v/secrets/a/b' } }, 'MALFORMED'],
    ['a number', { status: 200, body: { id: 'https://v/secrets/a/b', value: 1 } }, 'MALFORMED'],
    ['a page', { status: 200, body: '<html></html>' }, 'MALFORMED'],
  ])('fails at %s', async (_, answer, code) => {
    fixture.set({ intercept: () => answer });

    const failed = await failureOf(fixture.translated().readSecret('API-KEY'));

    expect(failed).toMatchObject({ code, secretName: 'API-KEY' });
    expect(fixture.fake.asked).toEqual(['GET /secrets/API-KEY']);
  });

  it('tells after which time a throttled request may be sent again', async () => {
    fixture.set({ retryAfter: '7' });
    fixture.fake.fail('throttled');

    await expect(failureOf(fixture.manager().readSecret('A'))).resolves.toMatchObject({
      code: 'THROTTLED',
      retryAfterMs: 7_000,
    });
  });

  it('describes the tags, and the tag description', async () => {
    fixture.fake.seed('API-KEY', 'value', { tags: { team: 'a', description: 'of the mail' } });

    await expect(fixture.manager().describeSecret('API-KEY')).resolves.toEqual({
      description: 'of the mail',
      tags: { team: 'a' },
    });
  });

  it('describes a disabled secret by its newest version, over all pages', async () => {
    for (let count = 0; count < 30; count++) fixture.fake.seed('API-KEY', 'old', {});
    const version = fixture.fake.current('API-KEY');
    if (version) Object.assign(version.attributes, { created: 4_000_000_000 });
    if (version) version.tags = { team: 'newest' };
    fixture.fake.enable('API-KEY', false);

    const described = await fixture.manager().describeSecret('API-KEY');

    expect(described.tags).toEqual({ team: 'newest' });
    expect(fixture.fake.asked).toEqual([
      'GET /secrets/API-KEY',
      'GET /secrets/API-KEY/versions',
      'GET /secrets/API-KEY/versions',
    ]);
  });

  it('reports a failure of the list of versions of a disabled secret', async () => {
    fixture.fake.seed('API-KEY', 'value', { attributes: { enabled: false } });
    fixture.set({
      intercept: ({ path }) => (path.endsWith('/versions') ? failure(429, 'Throttled') : undefined),
    });

    const failed = await failureOf(fixture.manager().describeSecret('API-KEY'));

    expect(failed.code).toBe('THROTTLED');
  });

  it.each([undefined, { encoding: 'base64' }])(
    'is MALFORMED for half of a surrogate pair with the params %j',
    async (params) => {
      fixture.fake.seed('API-KEY', 'a\ud800b');

      const failed = await failureOf(fixture.manager().readSecret('API-KEY', { params }));

      expect(failed).toMatchObject({ code: 'MALFORMED', secretName: 'API-KEY' });
    },
  );

  it('never follows the link to the next page to another host', async () => {
    fixture.fake.seed('API-KEY', 'value', { attributes: { enabled: false } });
    const nextLink = 'https://evil.example/secrets/API-KEY/versions?$skiptoken=page-1';
    const page = { value: [], nextLink };
    fixture.set({
      intercept: ({ path, query }) =>
        path.endsWith('/versions') && query.get('$skiptoken') === null
          ? { status: 200, body: page }
          : undefined,
    });

    await failureOf(fixture.manager().describeSecret('API-KEY'));

    expect(fixture.fake.requests.at(-1)?.query.get('$skiptoken')).toBe('page-1');
  });

  it('describes nothing of a missing secret, and denies a denied one', async () => {
    const manager = fixture.manager();
    const described = await manager.describeSecret('ABSENT');
    fixture.fake.fail('denied');

    const failed = await failureOf(manager.describeSecret('ABSENT'));

    expect([described, failed.code]).toEqual([{}, 'ACCESS_DENIED']);
  });
});

describe('the health of the manager for Azure Key Vault', () => {
  let fixture: Fixture;

  beforeEach(async () => {
    fixture = await new Fixture().start();
  });

  afterEach(() => fixture.close());

  it('asks for a name that is never there', async () => {
    await expect(fixture.manager().checkHealth()).resolves.toBe(true);
    expect(fixture.fake.asked).toEqual(['GET /secrets/nestjs-custom-secret-manager-health-check']);
  });

  it('is good for a login that may not read', async () => {
    fixture.fake.fail('denied');

    await expect(fixture.manager().checkHealth()).resolves.toBe(true);
  });

  it.each([
    ['unavailable', 'UNAVAILABLE'],
    ['unauthenticated', 'UNAUTHENTICATED'],
    ['throttled', 'THROTTLED'],
    ['malformed', 'MALFORMED'],
  ] as const)('is bad if the vault is %s', async (fault, code) => {
    fixture.fake.fail(fault);

    await expect(failureOf(fixture.translated().checkHealth())).resolves.toMatchObject({ code });
  });

  it('ends with close', async () => {
    const manager = fixture.manager();
    await manager.checkHealth();
    await manager.close();

    await expect(failureOf(manager.checkHealth())).resolves.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
