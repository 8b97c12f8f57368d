import { generateKeyPairSync } from 'node:crypto';
import dns from 'node:dns';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  GoogleSecretManager,
  type GoogleAuth,
  type GoogleSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { FakeGoogleSecretManager } from '../../support/fake-google-secret-manager';
import { failureOf } from '../../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const KEY = {
  type: 'service_account',
  project_id: 'project-of-the-key',
  client_email: 'app@p.iam.gserviceaccount.com',
  private_key_id: 'key-1',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};
const USER = {
  type: 'authorized_user',
  client_id: 'client',
  client_secret: 'canary-of-the-client-secret',
  refresh_token: 'canary-of-the-refresh-token',
  quota_project_id: 'project-of-the-quota',
};
const EXTERNAL = {
  type: 'external_account',
  audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://sts.googleapis.com/v1/token',
};

describe('The login at Google', () => {
  let fake: FakeGoogleSecretManager;
  let folder: string;
  let managers: GoogleSecretManager[];

  beforeEach(async () => {
    fake = await new FakeGoogleSecretManager().start();
    fake.logins.accounts.set(KEY.client_email, publicKey);
    fake.store.put('KEY', 'value');
    folder = temporaryFolder();
    managers = [];
  });

  afterEach(async () => {
    await Promise.all(managers.map((manager) => manager.close()));
    await fake.stop();
    removeTemporaryFolders();
  });

  const managerWith = (
    auth: GoogleAuth | undefined,
    environment: Readonly<Record<string, string>> = {},
    options: GoogleSecretManagerOptions = {},
  ): GoogleSecretManager => {
    const manager = new GoogleSecretManager(
      { projectId: 'p', endpoint: fake.address, auth, ...options },
      { HOME: folder, ...environment },
    );
    managers.push(manager);
    return manager;
  };

  const fileOf = (content: unknown, name = 'credentials.json'): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  const tokensSent = (): unknown[] =>
    fake.requests
      .filter(({ path }) => path.includes('/secrets/'))
      .map(({ headers }) => headers.authorization);

  describe('with the metadata server', () => {
    const metadata = (): GoogleAuth => ({ method: 'metadata', host: `127.0.0.1:${fake.port}` });

    it('gets a token once, and keeps it', async () => {
      const manager = managerWith(metadata());

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
      await manager.readSecret('KEY');

      expect(fake.loggedIn).toEqual([
        'GET /computeMetadata/v1/instance/service-accounts/default/token',
      ]);
    });

    it('shares one login between concurrent reads', async () => {
      const manager = managerWith(metadata());

      await Promise.all(Array.from({ length: 20 }, () => manager.readSecret('KEY')));

      expect(fake.loggedIn).toHaveLength(1);
    });

    it('asks for the project once, if nothing names one', async () => {
      const manager = managerWith(metadata(), {}, { projectId: undefined });

      await manager.readSecret('KEY');
      await manager.readSecret('KEY');

      expect(fake.asked).toEqual(
        Array(2).fill('GET /v1/projects/project-of-the-machine/secrets/KEY/versions/latest:access'),
      );
      expect(fake.loggedIn.filter((path) => path.endsWith('project-id'))).toHaveLength(1);
    });

    it('takes the host of GCE_METADATA_HOST', async () => {
      const manager = managerWith(undefined, { GCE_METADATA_HOST: `127.0.0.1:${fake.port}` });

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    });

    it('never asks a proxy for the metadata server', async () => {
      const endpoint = `http://localhost:${fake.port}`;
      const manager = managerWith(metadata(), {}, { endpoint, proxy: 'http://127.0.0.1:1' });

      const read = manager.readSecret('KEY');

      await expect(read).rejects.toMatchObject({ code: 'ECONNREFUSED' }); // the proxy of the store
      expect(fake.loggedIn).toHaveLength(1);
    });

    it('renews a token 225 s before its end, and takes the same token again', async () => {
      fake.logins.expiresIn = 224;
      const manager = managerWith(metadata());
      await manager.readSecret('KEY');

      await manager.readSecret('KEY');
      await manager.readSecret('KEY');
      await new Promise((resolve) => setTimeout(resolve, 50));

      expect(fake.loggedIn).toHaveLength(2); // the renewal is behind the reads, with a pause
      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    });

    it('does not renew a token that lasts for longer than 225 s, whatever its whole life is', async () => {
      fake.logins.expiresIn = 226;
      const manager = managerWith(metadata());
      await manager.readSecret('KEY');

      await manager.readSecret('KEY');

      expect(fake.loggedIn).toHaveLength(1);
    });

    it('logs in again after a 401, and gives up if the token is the same again', async () => {
      const manager = managerWith(metadata());
      await manager.readSecret('KEY');
      fake.fail('unauthenticated');

      const failure = await failureOf(manager.readSecret('KEY'));

      expect(failure.code).toBe('UNAUTHENTICATED');
      expect(fake.loggedIn).toHaveLength(2);
      expect(fake.asked).toHaveLength(2);
    });

    it('reads with another token after a 401', async () => {
      const manager = managerWith(metadata());
      await manager.readSecret('KEY');
      fake.logins.tokens.clear();
      fake.logins.metadataToken = 'another-token';

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
      expect(tokensSent().at(-1)).toBe('Bearer another-token');
    });

    it('refuses the answer of a server that is not the metadata server', async () => {
      fake.logins.refusal = { status: 200, body: { access_token: 'canary', expires_in: 3600 } };

      const failure = await failureOf(managerWith(metadata()).readSecret('KEY'));

      expect(failure.code).toBe('MISCONFIGURED');
      expect(fake.asked).toEqual([]);
    });

    it('is UNAUTHENTICATED if the machine has no service account', async () => {
      fake.logins.metadataToken = undefined;

      const failure = await failureOf(managerWith(metadata()).readSecret('KEY'));

      expect(failure.code).toBe('UNAUTHENTICATED');
      expect(failure.message).toContain('service account');
    });
  });

  describe('with the key of a service account', () => {
    it.each([
      ['a file', (): GoogleAuth => ({ method: 'service-account', keyFile: fileOf(KEY) })],
      ['an object', (): GoogleAuth => ({ method: 'service-account', key: KEY })],
      ['a text', (): GoogleAuth => ({ method: 'service-account', key: JSON.stringify(KEY) })],
      ['a credential file', (): GoogleAuth => ({ method: 'file', path: fileOf(KEY) })],
      [
        'a key with written line breaks',
        (): GoogleAuth => {
          const private_key = KEY.private_key.replaceAll('\n', '\\n');
          return { method: 'service-account', key: { ...KEY, private_key } };
        },
      ],
    ])('of %s signs its token itself', async (_, auth) => {
      await expect(managerWith(auth()).readSecret('KEY')).resolves.toMatchObject({
        value: 'value',
      });

      const [head, claims] = String(tokensSent()[0]).replace('Bearer ', '').split('.');
      const partOf = (part = ''): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
      expect(partOf(head)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' });
      expect(partOf(claims)).toMatchObject({
        iss: KEY.client_email,
        sub: KEY.client_email,
        aud: 'https://secretmanager.googleapis.com/',
      });
      expect(fake.loggedIn).toEqual([]);
    });

    it('signs once for several reads', async () => {
      const manager = managerWith({ method: 'service-account', key: KEY });

      await manager.readSecret('KEY');
      await manager.readSecret('KEY');

      expect(new Set(tokensSent()).size).toBe(1);
    });

    it('asks for a scope in another universe', async () => {
      const key = { ...KEY, universe_domain: 'apis-other.example' };

      await managerWith({ method: 'service-account', key }).readSecret('KEY');

      const claims = String(tokensSent()[0]).split('.')[1] ?? '';
      expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
        scope: 'https://www.googleapis.com/auth/cloud-platform',
      });
    });

    it('takes the project of the key, after GOOGLE_CLOUD_PROJECT', async () => {
      const auth: GoogleAuth = { method: 'service-account', key: KEY };
      const none = { projectId: undefined };

      await managerWith(auth, {}, none).readSecret('KEY');
      await managerWith(auth, { GOOGLE_CLOUD_PROJECT: 'of-the-variable' }, none).readSecret('KEY');

      expect(fake.asked.map((asked) => asked.split('/')[3])).toEqual([
        'project-of-the-key',
        'of-the-variable',
      ]);
    });

    it('reads the file again at each login, and keeps the last key while it is half-written', async () => {
      const path = fileOf(KEY);
      const manager = managerWith({ method: 'file', path });
      await manager.readSecret('KEY');
      fileOf(JSON.stringify(KEY).slice(0, 100));
      let refusals = 1;
      fake.fail('unauthenticated', () => refusals-- > 0);

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });

      expect(new Set(tokensSent()).size).toBe(2); // the second token differs, although it is of the same second
    });
  });

  describe('with the credentials of a user', () => {
    const user = (content: object = USER): GoogleAuth => ({
      method: 'file',
      path: fileOf(content),
      tokenUrl: `${fake.address}/token`,
    });

    it('refreshes a token, and sends the quota project', async () => {
      await expect(managerWith(user()).readSecret('KEY')).resolves.toMatchObject({
        value: 'value',
      });

      const [login, read] = fake.requests;
      expect(Object.fromEntries(new URLSearchParams(login?.text))).toEqual({
        grant_type: 'refresh_token',
        refresh_token: USER.refresh_token,
        client_id: USER.client_id,
        client_secret: USER.client_secret,
      });
      expect(read?.headers['x-goog-user-project']).toBe('project-of-the-quota');
    });

    it('is UNAUTHENTICATED with a dead refresh token, and pauses', async () => {
      const manager = managerWith(user({ ...USER, refresh_token: 'canary-of-a-dead-token' }));

      const failures = [
        await failureOf(manager.readSecret('KEY')),
        await failureOf(manager.readSecret('KEY')),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
      expect(failures[0]?.message).not.toContain('canary');
      expect(fake.loggedIn).toHaveLength(1);
    });

    it.each([
      [{ status: 503, body: '<html>' }, 'UNAVAILABLE'],
      [{ status: 429, body: '{}' }, 'THROTTLED'],
      [{ status: 200, body: { access_token: 'a' } }, 'MALFORMED'],
      [{ status: 200, body: '<html>' }, 'MALFORMED'],
      [{ status: 401, body: { error: 'invalid_client' } }, 'UNAUTHENTICATED'],
      [{ status: 404, body: '<html>' }, 'MISCONFIGURED'],
      [{ status: 200, body: { access_token: 'a\nb', expires_in: 60 } }, 'UNAUTHENTICATED'],
    ])('fails with the answer %j as %s', async (refusal, code) => {
      fake.logins.refusal = refusal;

      await expect(managerWith(user()).readSecret('KEY')).rejects.toMatchObject({ code });
    });
  });

  describe('with a federation', () => {
    const external = (content: object): GoogleAuth => ({
      method: 'file',
      path: fileOf({ ...EXTERNAL, ...content }),
      tokenUrl: `${fake.address}/token`,
    });

    const subjectFile = (text: string): string => fileOf(text, 'subject-token');

    it('exchanges the token of a file, which it reads at each login', async () => {
      const file = subjectFile('canary-of-another-token\n');
      const manager = managerWith(external({ credential_source: { file } }));
      await expect(manager.readSecret('KEY')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      subjectFile(`${fake.logins.subjectToken}\n`);
      const other = managerWith(external({ credential_source: { file } }));

      await expect(other.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });

      const form = Object.fromEntries(new URLSearchParams(fake.requests.at(-2)?.text));
      expect(form).toEqual({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        audience: EXTERNAL.audience,
        scope: 'https://www.googleapis.com/auth/cloud-platform',
        requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        subject_token: fake.logins.subjectToken,
        subject_token_type: EXTERNAL.subject_token_type,
      });
    });

    it('takes the token from a field of JSON', async () => {
      const file = subjectFile(JSON.stringify({ access_token: fake.logins.subjectToken }));
      const format = { type: 'json', subject_token_field_name: 'access_token' };

      const manager = managerWith(external({ credential_source: { file, format } }));

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    });

    it('takes the token from a URL, with its headers', async () => {
      const credential_source = {
        url: `${fake.address}/identity`,
        headers: { 'X-Identity': 'canary-of-a-header' },
        format: { type: 'json', subject_token_field_name: 'id_token' },
      };

      const manager = managerWith(external({ credential_source }));

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    });

    it('impersonates a service account', async () => {
      const credential_source = { file: subjectFile(fake.logins.subjectToken) };
      const service_account_impersonation_url = `${fake.address}/v1/projects/-/serviceAccounts/app:generateAccessToken`;

      const manager = managerWith(
        external({ credential_source, service_account_impersonation_url }),
      );

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
      const impersonation = fake.requests.find(({ path }) => path.includes('serviceAccounts'));
      expect(JSON.parse(impersonation?.text ?? '')).toEqual({
        scope: ['https://www.googleapis.com/auth/cloud-platform'],
        lifetime: '3600s',
      });
      expect(new Set([impersonation?.headers.authorization, ...tokensSent()]).size).toBe(2);
    });

    it.each([
      ['a missing file', { file: '/nowhere/token' }],
      ['an empty file', { file: '' }],
    ])('is UNAUTHENTICATED with %s', async (_, { file }) => {
      const credential_source = { file: file || subjectFile('\n') };

      const failure = await failureOf(
        managerWith(external({ credential_source })).readSecret('KEY'),
      );

      expect(failure.code).toBe('UNAUTHENTICATED');
      expect(fake.requests).toEqual([]);
    });
  });

  describe('with an object of the application', () => {
    it.each([
      ['a string', 'token-1'],
      ['an object', { token: 'token-1', res: null }],
    ])('takes %s', async (_, token) => {
      fake.logins.tokens.add('token-1');
      const getAccessToken = jest.fn(async () => token);
      const manager = managerWith({ getAccessToken });

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
      await manager.readSecret('KEY');

      expect(getAccessToken).toHaveBeenCalledTimes(2);
    });

    it.each([[null], [undefined], [''], [{ token: null }], ['a\r\nb: c'], [{}]])(
      'is UNAUTHENTICATED with %p, without a request',
      async (token) => {
        const manager = managerWith({ getAccessToken: () => token });

        const failure = await failureOf(manager.readSecret('KEY'));

        expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', secretName: 'KEY' });
        expect(fake.requests).toEqual([]);
      },
    );

    it('calls it as a method of its object', async () => {
      fake.logins.tokens.add('token-1');
      class Client {
        readonly #token = 'token-1';

        getAccessToken(): string {
          return this.#token;
        }
      }

      const manager = managerWith(new Client());

      await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    });

    it.each([
      ['an error', new Error('canary-of-an-error'), 'UNAUTHENTICATED'],
      ['a refusal', Object.assign(new Error('canary'), { status: 400 }), 'UNAUTHENTICATED'],
      ['an outage', Object.assign(new Error('canary'), { code: 'ECONNREFUSED' }), 'UNAVAILABLE'],
    ])('hides the text of %s', async (_, error, code) => {
      const manager = managerWith({ getAccessToken: () => Promise.reject(error) });

      const failure = await failureOf(manager.readSecret('KEY'));

      expect(failure.code).toBe(code);
      expect(failure.message).not.toContain('canary');
    });

    it('refuses the same token twice without a loop', async () => {
      const manager = managerWith({ getAccessToken: () => 'dead-token' });

      await expect(manager.readSecret('KEY')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(fake.asked).toHaveLength(1);
    });
  });

  describe('by the order of Application Default Credentials', () => {
    it('takes GOOGLE_APPLICATION_CREDENTIALS first, then the file of gcloud', async () => {
      const gcloud = join(folder, '.config', 'gcloud');
      mkdirSync(gcloud, { recursive: true });
      const other = { ...KEY, project_id: 'project-of-gcloud' };
      writeFileSync(join(gcloud, 'application_default_credentials.json'), JSON.stringify(other));
      const none = { projectId: undefined };
      const path = fileOf(KEY);

      await managerWith(undefined, { GOOGLE_APPLICATION_CREDENTIALS: path }, none).readSecret(
        'KEY',
      );
      await managerWith(undefined, {}, none).readSecret('KEY');
      await managerWith(undefined, { CLOUDSDK_CONFIG: gcloud, HOME: '/nowhere' }, none).readSecret(
        'KEY',
      );

      expect(fake.asked.map((asked) => asked.split('/')[3])).toEqual([
        'project-of-the-key',
        'project-of-gcloud',
        'project-of-gcloud',
      ]);
    });

    it('takes the metadata server last', async () => {
      const manager = managerWith(undefined, { GCE_METADATA_HOST: `127.0.0.1:${fake.port}` });

      await manager.readSecret('KEY');

      expect(fake.loggedIn).toHaveLength(1);
    });

    it('is UNAUTHENTICATED, and lists the ways, if the name of the metadata server is unknown', async () => {
      const error = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
      jest.spyOn(dns, 'lookup').mockImplementation((...parts: unknown[]) => {
        (parts.at(-1) as (error: Error) => void)(error);
      });

      const failure = await failureOf(managerWith(undefined).readSecret('KEY'));

      jest.restoreAllMocks();
      expect(failure.code).toBe('UNAUTHENTICATED');
      expect(failure.message).toContain('GOOGLE_APPLICATION_CREDENTIALS');
    });
  });
});
