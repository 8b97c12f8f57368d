import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GoogleAuth } from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { everythingOf, failureOf } from '../../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';
import { GoogleFixture } from './fixture';

const HOUR_MS = 3_600_000;
const USER = {
  type: 'authorized_user',
  client_id: 'client',
  client_secret: 'canary-of-the-client-secret',
  refresh_token: 'canary-of-the-refresh-token',
};
const EXTERNAL = {
  type: 'external_account',
  audience: 'audience',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://sts.googleapis.com/v1/token',
};

describe('The login at Google', () => {
  const google = new GoogleFixture();

  beforeEach(async () => {
    await google.start();
    google.fake.store.put('KEY', 'value');
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await google.stop();
    removeTemporaryFolders();
  });

  const fileOf = (content: object): GoogleAuth => {
    const path = join(temporaryFolder(), 'credentials.json');
    writeFileSync(path, JSON.stringify(content));
    return { method: 'file', path, tokenUrl: `${google.fake.address}/token` };
  };

  const metadata = (): GoogleAuth => ({
    method: 'metadata',
    host: `127.0.0.1:${google.fake.port}`,
  });

  it('accepts a header with a space, as GitHub Actions writes it', () => {
    const credential_source = {
      url: 'https://vstoken.actions.example/token?api-version=2',
      headers: { Authorization: 'Bearer canary' },
      format: { type: 'json', subject_token_field_name: 'value' },
    };
    const manager = google.manager({ auth: fileOf({ ...EXTERNAL, credential_source }) });

    expect(() => manager.validateEnvironment()).not.toThrow();
  });

  it.each([
    ['a name with a space', { 'X Identity': 'canary-of-a-header' }],
    ['a value with a line break', { 'X-Identity': 'canary-of\r\na-header' }],
  ])('reports a header with %s at start', (_, headers) => {
    const credential_source = { url: 'http://127.0.0.1:1/identity', headers };
    const manager = google.manager({ auth: fileOf({ ...EXTERNAL, credential_source }) });

    expect(() => manager.validateEnvironment()).toThrow(/headers` that no request can have$/);
  });

  it.each(['project_id', 'quota_project_id'])('reports a wrong %s of a file at start', (field) => {
    const auth = fileOf({ ...USER, [field]: 'a\r\nx-header: canary' });
    const manager = google.manager({ auth });

    expect(() => manager.validateEnvironment()).toThrow(
      new RegExp(`has a \`${field}\` that is no ID of a project$`),
    );
  });

  it.each(['user:canary-password@127.0.0.1:1', '127.0.0.1:1/path', '127.0.0.1:1?a', ' '])(
    'reports GCE_METADATA_HOST %j at start, without quoting it',
    async (host) => {
      const manager = google.manager({ auth: undefined }, { GCE_METADATA_HOST: host });

      const failures = [
        await failureOf(() => manager.validateEnvironment()),
        await failureOf(manager.readSecret('KEY')),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['MISCONFIGURED', 'MISCONFIGURED']);
      expect(everythingOf(failures)).toContain('GCE_METADATA_HOST must be a host');
      expect(everythingOf(failures)).not.toContain('canary');
    },
  );

  it('asks once for the project, however many reads begin at once', async () => {
    const manager = google.manager({ projectId: undefined, auth: metadata() });

    await Promise.all(Array.from({ length: 100 }, () => manager.readSecret('KEY')));

    expect(google.fake.loggedIn).toHaveLength(2);
  });

  it('hides the error of a token that cannot be looked at', async () => {
    const token = {
      get token(): string {
        throw new Error('canary-of-a-getter');
      },
    };
    const manager = google.manager({ auth: { getAccessToken: () => token } });

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure.code).toBe('UNAUTHENTICATED');
    expect(everythingOf(failure)).not.toContain('canary');
  });

  it('impersonates with a clock that is wrong by hours', async () => {
    const path = join(temporaryFolder(), 'subject');
    writeFileSync(path, google.fake.logins.subjectToken);
    const auth = fileOf({
      ...EXTERNAL,
      credential_source: { file: path },
      service_account_impersonation_url: `${google.fake.address}/v1/projects/-/serviceAccounts/app:generateAccessToken`,
    });
    const manager = google.manager({ auth });
    const before = Date.now();
    const expireTime = new Date(before + HOUR_MS).toISOString();
    jest.spyOn(google.fake.logins, 'answer').mockImplementation((_, asked) => {
      if (asked.includes('/secrets/')) return undefined;
      google.fake.logins.tokens.add('token');
      return {
        status: 200,
        headers: { date: new Date(before).toUTCString() },
        body: { access_token: 'token', expires_in: 60, accessToken: 'token', expireTime },
      };
    });
    jest.spyOn(Date, 'now').mockReturnValue(before + 2 * HOUR_MS);

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
  });
});
