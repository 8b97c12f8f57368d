import type { AwsSecretManagerOptions } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { everythingOf, failureOf } from '../../../support/failure-of';
import { hurriedTests } from '../../../support/hurried-time';
import { CREDENTIALS, EmptyEnvironment, Fixture } from '../fixture';

const SLOW = 20_000; // the SDK asks a container endpoint four times, with a second between

let fixture: Fixture;
let home: string;
let server: Server | undefined;
let environment: EmptyEnvironment;

beforeEach(async () => {
  fixture = await new Fixture().start();
  environment = new EmptyEnvironment();
  ({ home } = environment);
  process.env.HOME = home;
  fixture.aws.reply('GetSecretValue', { body: { SecretString: 'value' } });
});

afterEach(async () => {
  environment.leave();
  await fixture.close();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** Starts a source of credentials, and resolves to its address. */
async function listen(answer: RequestListener): Promise<string> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

function status(code: number, body = 'canary-of-a-body'): RequestListener {
  return (_, response) => void response.writeHead(code).end(body);
}

const reset: RequestListener = (request) => request.socket.resetAndDestroy();

const GRANTED = {
  AccessKeyId: 'AKIA',
  SecretAccessKey: 'secret',
  Token: 'token',
  Expiration: new Date(Date.now() + 60_000).toISOString(), // the SDK asks again at once
};

function read(options: AwsSecretManagerOptions = {}) {
  return fixture.translated({ credentials: undefined, ...options }).readSecret('KEY');
}

function readSync(options: AwsSecretManagerOptions = {}) {
  const manager = fixture.translated({ credentials: undefined, ...options });
  return manager.readSecretSync('KEY', { timeoutMs: 20_000 });
}

describe('a failing source of AWS credentials', () => {
  hurriedTests();
  it.each([
    ['500', status(500)],
    ['429', status(429)],
    ['a reset', reset],
    ['a page', status(200, '<html>canary-of-a-body')],
  ])(
    'is UNAVAILABLE at the first read: a container endpoint with %s',
    async (_, answer) => {
      process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${await listen(answer)}/creds`;

      const failure = await failureOf(read());

      expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true, secretName: 'KEY' });
      expect(failure.message).toContain('source of the AWS credentials');
      expect(everythingOf(failure)).not.toContain('canary');
    },
    SLOW,
  );

  it.each([
    ['503', status(503)],
    ['a reset', reset],
  ])('is UNAVAILABLE at the first read: a metadata service with %s', async (_, answer) => {
    process.env.AWS_EC2_METADATA_DISABLED = 'false';
    process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = await listen(answer);

    expect(await failureOf(read())).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each([
    ['503', 503, 'Unavailable', 'UNAVAILABLE'],
    ['a busy identity provider', 400, 'IDPCommunicationError', 'UNAVAILABLE'],
    ['a token that is refused', 400, 'InvalidIdentityToken', 'UNAUTHENTICATED'],
    ['a role that is refused', 403, 'AccessDenied', 'UNAUTHENTICATED'],
  ])(
    'is reported with its code: STS with %s',
    async (_, code, name, expected) => {
      const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>canary</Message></Error></ErrorResponse>`;
      process.env.AWS_ENDPOINT_URL_STS = await listen(status(code, body));
      process.env.AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/app';
      process.env.AWS_WEB_IDENTITY_TOKEN_FILE = join(home, 'token');
      writeFileSync(join(home, 'token'), 'canary-of-a-token');

      const failure = await failureOf(read());

      expect(failure).toMatchObject({ code: expected });
      expect(everythingOf(failure)).not.toContain('canary');
    },
    SLOW,
  );

  it('is UNAVAILABLE: a token file that is missing', async () => {
    process.env.AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/app';
    process.env.AWS_WEB_IDENTITY_TOKEN_FILE = join(home, 'missing');

    expect(await failureOf(read())).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each([
    ['a provider of the SDK', 'CredentialsProviderError'],
    ['a function of the application', 'Error'],
  ])('is UNAVAILABLE after it worked once: %s', async (_, name) => {
    let isAway = false;
    const credentials = () =>
      isAway
        ? Promise.reject(Object.assign(new Error('canary'), { name }))
        : Promise.resolve({ ...CREDENTIALS, expiration: new Date(Date.now() + 60_000) });
    const manager = fixture.translated({ credentials });
    await manager.readSecret('KEY');
    isAway = true;

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(manager.writeSecret('KEY', 'value')),
      await failureOf(manager.checkHealth()),
      (await manager.readSecrets(['KEY', 'OTHER'])).get('OTHER'),
    ];

    expect(failures).toMatchObject(Array(4).fill({ code: 'UNAVAILABLE' }));
    expect(everythingOf(failures)).not.toContain('canary');
  });

  it(
    'is used again when it is reachable',
    async () => {
      let answer = status(500);
      const address = await listen((request, response) => answer(request, response));
      process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${address}/creds`;
      const manager = fixture.translated({ credentials: undefined });
      await failureOf(manager.readSecret('KEY'));
      answer = status(200, JSON.stringify(GRANTED));

      expect((await manager.readSecret('KEY'))?.value).toBe('value');
    },
    SLOW,
  );
});

describe('a failing source of AWS credentials, for a worker', () => {
  it(
    'is UNAVAILABLE to a synchronous read, too',
    async () => {
      process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = 'http://127.0.0.1:1/creds';

      expect(await failureOf(() => readSync())).toMatchObject({ code: 'UNAVAILABLE' });
    },
    SLOW,
  );
});

describe('a missing source of AWS credentials', () => {
  it('is UNAUTHENTICATED, and the error says what to do', async () => {
    const failures = [await failureOf(read()), await failureOf(() => readSync())];

    expect(failures).toMatchObject(Array(2).fill({ code: 'UNAUTHENTICATED' }));
    expect(failures.map(({ message }) => message).join()).toContain('AWS_ACCESS_KEY_ID');
  });
});

describe('an SSO session that has expired', () => {
  const LEGACY = `[profile app]
sso_start_url = https://hunter2.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 123456789012
sso_role_name = app
`;
  const SESSION = `[profile app]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = app
[sso-session corp]
sso_start_url = https://hunter2.awsapps.com/start
sso_region = eu-central-1
`;

  function cacheToken(key: string, content: object): void {
    const folder = join(home, '.aws/sso/cache');
    mkdirSync(folder, { recursive: true });
    const name = createHash('sha1').update(key).digest('hex');
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(content));
  }

  it.each([
    ['was never begun', LEGACY, undefined],
    ['has ended', LEGACY, 'https://hunter2.awsapps.com/start'],
    ['was never begun by name', SESSION, undefined],
    ['has ended by name', SESSION, 'corp'],
  ])('is reported with the remedy: it %s', async (_, config, key) => {
    writeFileSync(join(home, 'config'), config);
    process.env.AWS_PROFILE = 'app';
    const expiresAt = new Date(Date.now() - 60_000).toISOString();
    if (key) cacheToken(key, { accessToken: 'canary-of-a-token', expiresAt });

    const failures = [await failureOf(read()), await failureOf(() => readSync())];

    expect(failures).toMatchObject(Array(2).fill({ code: 'UNAUTHENTICATED' }));
    for (const { message } of failures) expect(message).toMatch(/SSO session.*aws sso login/);
    expect(everythingOf(failures)).not.toMatch(/canary|hunter2/);
  });
});
