import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  GoogleSecretManager,
  type GoogleSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import type { SecretManagerError } from 'nestjs-custom-secret-manager';
import { optionsFromEnvironment } from '../../../lib/drivers/google-secret-manager/options/from-environment';
import { removeTemporaryFolders, temporaryFolder } from '../../support/temporary-folder';
import { thrownBy } from '../../support/thrown-by';

const NOWHERE = { HOME: '/nowhere' };
const AUTH = { getAccessToken: () => 'token' };

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const KEY = { type: 'service_account', client_email: 'a@b', private_key: PEM, project_id: 'p' };
const EXTERNAL = {
  type: 'external_account',
  audience: 'a',
  subject_token_type: 'b',
  token_url: 'https://sts.googleapis.com/v1/token',
  credential_source: { file: '/token' },
};

/** Returns the message of the error at the start. Fails the test if the start succeeds. */
function problemsOf(
  options: unknown,
  environment: Readonly<Record<string, string>> = NOWHERE,
): string {
  const manager = new GoogleSecretManager(options as GoogleSecretManagerOptions, environment);
  const error = thrownBy(() => manager.validateEnvironment()) as SecretManagerError;
  expect(error.code).toBe('MISCONFIGURED');
  return error.message;
}

function startsWith(options: GoogleSecretManagerOptions, environment = NOWHERE): void {
  new GoogleSecretManager(options, environment).validateEnvironment();
}

describe('The options of GoogleSecretManager', () => {
  afterEach(removeTemporaryFolders);

  const fileOf = (content: unknown): string => {
    const path = join(temporaryFolder(), 'credentials.json');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  it('are reported all at once', () => {
    const message = problemsOf({
      projectId: 'a b',
      location: 'Europe',
      endpoint: 'http://secrets.example',
      quotaProjectId: 'a\nb',
      mapName: 'lower',
      replication: { both: true },
      proxy: 'nothing',
      startsSyncReads: 'yes',
      allowInsecureHttp: 1,
      project: 'misspelt',
      auth: { method: 'password' },
    });

    expect(message.split('\n- ').slice(1).sort()).toEqual([
      '"project" is not an option; there are proxy, noProxy, startsSyncReads, allowInsecureHttp, projectId, auth, endpoint, quotaProjectId, location, mapName, replication',
      'allowInsecureHttp must be true or false, and is a number',
      'auth.method must be one of metadata, service-account, file',
      'location is no location, as "europe-west3"',
      'mapName must be "dashes" or a function from a name to the name in the store',
      'projectId is no ID of a project, as "payments-prod"',
      expect.stringMatching(/^proxy /),
      'quotaProjectId has a space, a line break or another character that no header can hold',
      'replication does not apply to regional secrets: leave it out, or location',
      'startsSyncReads must be true or false, and is a string',
    ]);
  });

  it.each([
    ['http://secrets.example', 'begins with http:'],
    ['https://user:canary@secrets.example', 'holds a user name'],
    ['https://secrets.example/v1', 'must end with the host'],
    ['secrets.example', 'must be a URL'],
    ['', 'is empty'],
  ])('refuse the endpoint %p', (endpoint, problem) => {
    const message = problemsOf({ projectId: 'p', auth: AUTH, endpoint });

    expect(message).toContain(`endpoint ${problem}`);
    expect(message).not.toContain('canary');
  });

  it('accept an endpoint of plain http on loopback, and elsewhere if it is allowed', () => {
    startsWith({ projectId: 'p', auth: AUTH, endpoint: 'http://127.0.0.1:8080' });
    startsWith({
      projectId: 'p',
      auth: AUTH,
      endpoint: 'http://emulator:8080',
      allowInsecureHttp: true,
    });

    expect.assertions(0);
  });

  it('need a project if the credential names none', () => {
    expect(problemsOf({ auth: AUTH })).toContain('projectId is missing');
    expect(problemsOf({ auth: { method: 'file', path: fileOf(EXTERNAL) } })).toContain(
      'GOOGLE_CLOUD_PROJECT',
    );
    startsWith({ auth: AUTH }, { ...NOWHERE, GOOGLE_CLOUD_PROJECT: 'p' } as never);
    startsWith({ auth: { method: 'service-account', key: KEY } });
    startsWith({ auth: { method: 'metadata' } });
    startsWith({});
  });

  it.each<[string, unknown, string]>([
    ['nothing', null, 'auth must be an object'],
    ['a text', 'canary', 'auth must be an object'],
    ['an unknown field', { method: 'metadata', hots: 'x' }, 'auth."hots" is not an option'],
    ['a host with a path', { method: 'metadata', host: 'x/y' }, 'auth.host must be a host'],
    ['no key', { method: 'service-account' }, 'auth.keyFile must be a string'],
    ['both keys', { method: 'service-account', key: KEY, keyFile: '/x' }, 'both key and keyFile'],
    [
      'a key of a user',
      { method: 'service-account', key: { type: 'authorized_user' } },
      'lacks the field "client_id"',
    ],
    [
      'a key that is no JSON',
      { method: 'service-account', key: 'canary-key' },
      'auth.key holds no JSON',
    ],
    ['no path', { method: 'file' }, 'auth.path must be a string'],
    [
      'a missing file',
      { method: 'file', path: '/nowhere/x' },
      'auth.path ("/nowhere/x") cannot be read',
    ],
    ['a directory', { method: 'file', path: '/' }, 'cannot be read'],
    [
      'a tokenUrl in the clear',
      { method: 'file', path: '/x', tokenUrl: 'http://x.example/' },
      'auth.tokenUrl begins with http:',
    ],
    ['a getAccessToken that is none', { getAccessToken: 'canary' }, 'auth.method must be one of'],
  ])('refuse an auth with %s', (_, auth, problem) => {
    const message = problemsOf({ projectId: 'p', auth, proxy: 'http://proxy.example:3128' });

    expect(message).toContain(problem);
    expect(message).not.toContain('canary');
    expect(message).not.toContain('PRIVATE KEY');
  });

  it.each<[string, unknown, string]>([
    ['no JSON', 'canary-text', 'holds no JSON'],
    ['a list', ['canary'], 'holds no JSON object'],
    ['no type', { canary: 1 }, 'getAccessToken()'],
    ['an impersonation', { type: 'impersonated_service_account' }, 'getAccessToken()'],
    ['no e-mail address', { ...KEY, client_email: undefined }, 'lacks the field "client_email"'],
    ['a key that is no PEM', { ...KEY, private_key: 'canary-key' }, 'no RSA key'],
    ['a universe that is no domain', { ...KEY, universe_domain: 'a/b' }, '`universe_domain`'],
    ['a user without secret', { type: 'authorized_user', client_id: 'a' }, '"client_secret"'],
    [
      'a foreign token URL',
      { ...EXTERNAL, token_url: 'https://sts.canary.example/' },
      'https://*.googleapis.com',
    ],
    [
      'a token URL that only ends alike',
      { ...EXTERNAL, token_url: 'https://evilgoogleapis.com/' },
      'https://*.googleapis.com',
    ],
    [
      'a token URL with a password',
      { ...EXTERNAL, token_url: 'https://a:canary@sts.googleapis.com/' },
      'https://*.googleapis.com',
    ],
    [
      'a token URL in the clear',
      { ...EXTERNAL, token_url: 'http://sts.googleapis.com/' },
      'https://*.googleapis.com',
    ],
    [
      'a token URL with a port',
      { ...EXTERNAL, token_url: 'https://sts.googleapis.com:444/' },
      'https://*.googleapis.com',
    ],
    [
      'a token URL of another universe',
      { ...EXTERNAL, universe_domain: 'apis.example' },
      'https://*.apis.example',
    ],
    [
      'a foreign impersonation URL',
      { ...EXTERNAL, service_account_impersonation_url: 'https://canary.example/' },
      'getAccessToken()',
    ],
    [
      'a source of AWS',
      { ...EXTERNAL, credential_source: { environment_id: 'aws1', url: 'http://a' } },
      'getAccessToken()',
    ],
    [
      'an executable',
      { ...EXTERNAL, credential_source: { executable: { command: 'canary' } } },
      'getAccessToken()',
    ],
    [
      'two sources',
      { ...EXTERNAL, credential_source: { file: 'a', url: 'http://a' } },
      'getAccessToken()',
    ],
    [
      'a source that is no URL',
      { ...EXTERNAL, credential_source: { url: 'file:///x' } },
      '`credential_source.url`',
    ],
    [
      'headers that are none',
      { ...EXTERNAL, credential_source: { url: 'http://a', headers: { a: 'canary\n' } } },
      'headers',
    ],
    [
      'an unknown format',
      { ...EXTERNAL, credential_source: { file: 'a', format: { type: 'xml' } } },
      'format',
    ],
    ['a workforce pool', { ...EXTERNAL, workforce_pool_user_project: '1' }, 'getAccessToken()'],
  ])('refuse a credential file with %s', (_, content, problem) => {
    const path = fileOf(content);

    const message = problemsOf({ projectId: 'p', auth: { method: 'file', path } });

    expect(message).toContain(`auth.path (${JSON.stringify(path)})`);
    expect(message).toContain(problem);
    expect(message).not.toContain('canary');
  });

  it('accept what Google writes into a federation', () => {
    const url =
      'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a:generateAccessToken';
    const content = { ...EXTERNAL, service_account_impersonation_url: url };

    startsWith({ projectId: 'p', auth: { method: 'file', path: fileOf(content) } });

    expect.assertions(0);
  });

  it('report the file of GOOGLE_APPLICATION_CREDENTIALS at start', () => {
    const environment = { ...NOWHERE, GOOGLE_APPLICATION_CREDENTIALS: '/nowhere/x.json' };

    expect(problemsOf({ projectId: 'p' }, environment)).toContain(
      'GOOGLE_APPLICATION_CREDENTIALS ("/nowhere/x.json") cannot be read',
    );
  });

  it('are checked again until they are right, because a file may come later', () => {
    const path = join(temporaryFolder(), 'later.json');
    const auth = { method: 'service-account', keyFile: path } as const;
    const manager = new GoogleSecretManager({ auth }, NOWHERE);
    expect(() => manager.validateEnvironment()).toThrow('cannot be read');

    writeFileSync(path, JSON.stringify(KEY));

    expect(() => manager.validateEnvironment()).not.toThrow();
  });

  it('reject every operation while they are wrong', async () => {
    const manager = new GoogleSecretManager({ auth: AUTH }, NOWHERE);

    await expect(manager.readSecret('KEY')).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      operation: 'readSecret',
    });
    expect(() => manager.readSecretSync('KEY')).toThrow('projectId is missing');
    await manager.close();
  });

  it('come from the environment', () => {
    const options = optionsFromEnvironment({
      GOOGLE_CLOUD_PROJECT: 'of-google',
      GOOGLE_CLOUD_QUOTA_PROJECT: 'payer',
      HTTPS_PROXY: 'proxy.example:3128',
      NO_PROXY: 'localhost',
      GCS_PATH_SERVICE_ACCOUNT: '/key.json',
    });

    expect(options).toEqual({
      projectId: 'of-google',
      quotaProjectId: 'payer',
      auth: { method: 'file', path: '/key.json' },
      proxy: 'http://proxy.example:3128',
      noProxy: 'localhost',
    });
  });

  it('take the project of LiteLLM first, and the credentials of Google first', () => {
    const options = optionsFromEnvironment({
      GOOGLE_SECRET_MANAGER_PROJECT_ID: 'of-litellm',
      GOOGLE_CLOUD_PROJECT: 'of-google',
      GCS_PATH_SERVICE_ACCOUNT: '/of-litellm.json',
      GOOGLE_APPLICATION_CREDENTIALS: '/of-google.json',
      HTTPS_PROXY: '',
    });

    expect(options).toEqual({ projectId: 'of-litellm' });
  });

  it('of fromEnvironment give way to overrides', () => {
    const environment = { ...NOWHERE, GOOGLE_CLOUD_PROJECT: 'p' };
    const manager = GoogleSecretManager.fromEnvironment(environment, { auth: AUTH });

    expect(() => manager.validateEnvironment()).not.toThrow();
    expect(manager.secretManagerName).toBe('google-secret-manager');
  });
});
