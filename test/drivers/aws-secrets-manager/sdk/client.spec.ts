import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { refusal } from '../../../support/aws-endpoint';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { CREDENTIALS, EmptyEnvironment, Fixture } from '../fixture';

let fixture: Fixture;
let home: string;
let environment: EmptyEnvironment;

beforeEach(async () => {
  fixture = await new Fixture().start();
  environment = new EmptyEnvironment();
  ({ home } = environment);
});

afterEach(async () => {
  environment.leave();
  await fixture.close();
});

const value = { body: { SecretString: 'value', VersionId: 'v' } };

/** The region and key in the signature of the last request. */
function signature(): { key?: string; region?: string } {
  const header = String(fixture.aws.requests[0]?.headers.authorization);
  const [, key, region] = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(header) ?? [];
  return { key, region };
}

describe('a manager for AWS without options', () => {
  it.each(['AWS_REGION', 'AWS_DEFAULT_REGION'])(
    'takes everything from the environment, the region from %s',
    async (variable) => {
      Object.assign(process.env, {
        [variable]: 'sa-east-1',
        AWS_ACCESS_KEY_ID: 'AKIAOFTHEENVIRONMENT',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_ENDPOINT_URL: fixture.aws.url,
      });
      fixture.aws.reply('GetSecretValue', value);
      const manager = new AwsSecretManager();

      await manager.validateEnvironment();
      await manager.readSecret('KEY');

      expect(signature()).toEqual({ key: 'AKIAOFTHEENVIRONMENT', region: 'sa-east-1' });
      await manager.close();
    },
  );

  it('prefers AWS_REGION', async () => {
    Object.assign(process.env, { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'us-west-2' });
    fixture.aws.reply('GetSecretValue', value);

    await fixture.manager({ region: undefined }).readSecret('KEY');

    expect(signature().region).toBe('eu-west-1');
  });

  it('takes region and credentials from the profile', async () => {
    writeFileSync(join(home, 'config'), '[profile app]\nregion = ap-south-1\n');
    writeFileSync(
      join(home, 'credentials'),
      '[app]\naws_access_key_id = AKIAOFTHEPROFILE\naws_secret_access_key = secret\n',
    );
    process.env.AWS_PROFILE = 'app';
    fixture.aws.reply('GetSecretValue', value);

    await fixture.manager({ region: undefined, credentials: undefined }).readSecret('KEY');

    expect(signature()).toEqual({ key: 'AKIAOFTHEPROFILE', region: 'ap-south-1' });
  });

  it('does not start without a region, and names the places to set it', async () => {
    const failure = await failureOf(new AwsSecretManager().validateEnvironment());

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toContain('AWS_REGION or AWS_DEFAULT_REGION');
  });

  it('says what to do if it finds no credentials', async () => {
    const manager = fixture.translated({ credentials: undefined });

    const failure = await failureOf(manager.readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(failure.message).toContain('AWS_ACCESS_KEY_ID');
  });
});

describe('the endpoint of a manager for AWS', () => {
  it.each([
    'https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com',
    'http://localhost:4566',
    'http://127.0.0.1:4566',
    'http://[::1]:4566',
  ])('may be %s', async (endpoint) => {
    await expect(fixture.manager({ endpoint }).validateEnvironment()).resolves.toBeUndefined();
  });

  it.each([
    ['hunter2hunter2', /is no URL/],
    ['ftp://hunter2hunter2', /must begin with https/],
    ['https://admin:hunter2hunter2@localhost', /holds a user or a password/],
    ['https://hunter2hunter2@localhost', /holds a user or a password/],
    ['http://hunter2hunter2.example', /http: to another machine/],
    ['http://localhost.hunter2hunter2', /http: to another machine/],
    ['', /is no URL/],
  ])('may not be %s, and is not quoted', async (endpoint, text) => {
    const failure = await failureOf(fixture.manager({ endpoint }).validateEnvironment());

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toMatch(text);
    expect(leaks(everythingOf(failure), 'hunter2hunter2')).toBe(false);
  });

  it('may be http: of another machine if the options allow it', async () => {
    const manager = fixture.manager({ endpoint: 'http://emulator:4566', allowInsecureHttp: true });

    await expect(manager.validateEnvironment()).resolves.toBeUndefined();
  });

  it('is reported together with the region in one error', async () => {
    const manager = fixture.manager({ endpoint: 'ftp://x', region: undefined });

    const failure = await failureOf(manager.validateEnvironment());

    expect(failure.message).toMatch(/https:\/\/.*AWS_REGION/s);
  });
});

describe('the options of a manager for AWS', () => {
  it.each<[object, RegExp]>([
    [{ endPoint: 'https://hunter2hunter2' }, /"endPoint" is not an option/],
    [{ kmsKey: 'hunter2hunter2', endpoint: 'ftp://x' }, /"kmsKey".*must begin with https/s],
    [{ client: new SecretsManagerClient({ region: 'eu-west-1' }), tmeout: 1 }, /"tmeout"/],
  ])('must exist: %#', async (options, text) => {
    const failure = await failureOf(fixture.manager(options).validateEnvironment());

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toMatch(text);
    expect(everythingOf(failure)).not.toContain('hunter2hunter2');
  });
});

describe('a client that is passed to the manager for AWS', () => {
  function client(maxAttempts: number): SecretsManagerClient {
    const { url: endpoint } = fixture.aws;
    return new SecretsManagerClient({
      region: 'us-east-1',
      endpoint,
      credentials: CREDENTIALS,
      maxAttempts,
    });
  }

  it('is used and stays open', async () => {
    fixture.aws.reply('GetSecretValue', value);
    const given = client(1);
    const destroy = jest.spyOn(given, 'destroy');
    const manager = new AwsSecretManager({ client: given });

    await manager.validateEnvironment();
    const reading = await manager.readSecret('KEY', { timeoutMs: 1_000 });
    await manager.close();

    expect(reading?.value).toBe('value');
    expect(signature().region).toBe('us-east-1');
    expect(destroy).not.toHaveBeenCalled();
  });

  it('does not allow options that it would ignore', async () => {
    const manager = fixture.manager({ client: client(1) });

    const failure = await failureOf(manager.validateEnvironment());

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toContain('`region`, `endpoint`, `credentials`');
  });

  it.each([
    [3, 1],
    [1, 0],
  ])('with %i attempts causes %i warnings', async (maxAttempts, times) => {
    const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
    const manager = new AwsSecretManager({ client: client(maxAttempts) });

    await manager.validateEnvironment();

    const ours = warn.mock.calls.filter(([text]) => String(text).includes('AwsSecretManager'));
    warn.mockRestore();
    expect(ours).toHaveLength(times);
  });
});

describe('a call to AWS', () => {
  it.each([
    ['that hangs', 'hang' as const],
    ['whose answer does not end', { headers: { 'content-length': '99' }, body: '{' }],
  ])('%s is cancelled when its signal aborts', async (_, reply) => {
    const manager = fixture.translated();
    const controller = new AbortController();
    fixture.aws.reply('GetSecretValue', () => {
      setImmediate(() => controller.abort());
      return reply;
    });

    const failure = await failureOf(manager.readSecret('KEY', { signal: controller.signal }));

    expect(failure).toMatchObject({ code: 'CANCELLED' });
  });

  it('is not made if its signal is already aborted', async () => {
    const manager = fixture.translated();

    const failure = await failureOf(manager.readSecret('KEY', { signal: AbortSignal.abort() }));

    expect(failure).toMatchObject({ code: 'CANCELLED' });
    expect(fixture.aws.requests).toEqual([]);
  });

  it('times out at its own deadline if it hangs', async () => {
    fixture.aws.reply('GetSecretValue', 'hang');

    const failure = await failureOf(fixture.translated().readSecret('KEY', { timeoutMs: 20 }));

    expect(failure).toMatchObject({ code: 'TIMEOUT' });
  });

  it('may have a deadline beyond the limit of a timer', async () => {
    fixture.aws.reply('GetSecretValue', value);

    const reading = await fixture.manager().readSecret('KEY', { timeoutMs: 2 ** 40 });

    expect(reading?.value).toBe('value');
  });
});

describe('the health of AWS', () => {
  it('is checked with a small request', async () => {
    fixture.aws.reply('ListSecrets', { body: { SecretList: [] } });

    await expect(fixture.manager().checkHealth()).resolves.toBe(true);
    expect(fixture.aws.inputsOf('ListSecrets')).toEqual([{ MaxResults: 1 }]);
  });

  it('is good if the role may not list, because AWS recognises it', async () => {
    fixture.aws.reply('ListSecrets', refusal('AccessDeniedException'));

    await expect(fixture.manager().checkHealth()).resolves.toBe(true);
  });

  it.each([
    ['UNAUTHENTICATED', refusal('ExpiredTokenException')],
    ['UNAVAILABLE', { status: 503 }],
    ['THROTTLED', refusal('ThrottlingException')],
  ])('is bad with %s', async (code, reply) => {
    fixture.aws.reply('ListSecrets', reply);

    const failure = await failureOf(fixture.translated().checkHealth());

    expect(failure).toMatchObject({ code, operation: 'checkHealth' });
  });
});

describe('a manager for AWS', () => {
  it('discloses neither credentials nor values', async () => {
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'sk-canary-value-0123' } });
    const manager = fixture.manager();
    await manager.readSecret('KEY');

    const shown = everythingOf(manager) + inspect(manager, { depth: Infinity, showProxy: true });

    const canaries = [...Object.values(CREDENTIALS), 'sk-canary-value-0123'];
    expect(canaries.filter((canary) => leaks(shown, canary))).toEqual([]);
    expect(Object.keys(manager)).toEqual(['secretManagerName']);
  });

  it('destroys its own client on close, and may be closed twice', async () => {
    fixture.aws.reply('GetSecretValue', value);
    const manager = fixture.manager();
    await manager.readSecret('KEY');

    await manager.close();
    await manager.close();

    await expect(fixture.aws.isLeft()).resolves.toBeUndefined();
  });
});
