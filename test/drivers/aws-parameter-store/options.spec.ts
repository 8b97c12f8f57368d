import { SSMClient } from '@aws-sdk/client-ssm';
import { AwsParameterStoreSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { everythingOf, failureOf } from '../../support/failure-of';
import { EmptyEnvironment } from '../aws-secrets-manager/fixture';
import { CREDENTIALS, Fixture, parameter } from './fixture';

let fixture: Fixture;
let environment: EmptyEnvironment;

beforeEach(async () => {
  fixture = await new Fixture().start();
  environment = new EmptyEnvironment();
  fixture.aws.reply('GetParameter', parameter('NAME'));
});

afterEach(async () => {
  environment.leave();
  await fixture.close();
});

/** The region and the key in the signature of the last request. */
function signature(): { key?: string; region?: string } {
  const header = String(fixture.aws.requests.at(-1)?.headers.authorization);
  const [, key, region] = /Credential=([^/]+)\/\d+\/([^/]+)\/ssm\//.exec(header) ?? [];
  return { key, region };
}

const NO_CLIENT = { client: undefined };
const client = (endpoint?: string, maxAttempts = 1) =>
  new SSMClient({ region: 'us-east-1', credentials: CREDENTIALS, endpoint, maxAttempts });

describe('the options of the manager for Parameter Store', () => {
  it.each<[object, RegExp]>([
    [{ region: '' }, /region must be a string that is not empty/],
    [{ pathprefix: '/hunter2hunter2' }, /"pathprefix" is not an option/],
    [{ tier: 'hunter2hunter2' }, /tier must be one of Standard, Advanced, Intelligent-Tiering\./],
    [{ kmsKeyId: '' }, /kmsKeyId must be a string that is not empty/],
    [{ kmsKeyId: 42 }, /kmsKeyId must be a string/],
    [{ pathPrefix: '' }, /pathPrefix is empty/],
    [{ pathPrefix: '/' }, /pathPrefix is empty/],
    [{ pathPrefix: 42 }, /pathPrefix must be a string/],
    [{ pathPrefix: '/a//b' }, /pathPrefix has an empty part/],
    [{ pathPrefix: '/a/../b' }, /pathPrefix has a "." or ".." part/],
    [{ pathPrefix: '/a:b' }, /pathPrefix has a ":"/],
    [{ pathPrefix: '/a b' }, /pathPrefix has a character/],
    [{ pathPrefix: '/AWS/x' }, /pathPrefix begins with "aws" or "ssm"/],
    [{ pathPrefix: Array(15).fill('l').join('/') }, /15 levels or more/],
    [{ credentials: { accessKeyId: 'x' } }, /credentials must have `accessKeyId`/],
    [{ credentials: 'hunter2hunter2' }, /credentials must have/],
    [{ allowInsecureHttp: 'yes' }, /allowInsecureHttp must be true or false/],
    [{ startsSyncReads: 1 }, /startsSyncReads must be true or false/],
    [{ endpoint: 'ftp://hunter2hunter2' }, /must begin with https/],
    [{ endpoint: 'https://u:hunter2hunter2@host' }, /holds a user or a password/],
    [{ endpoint: 'http://hunter2hunter2.example' }, /http: to another machine/],
    [{ region: undefined }, /No AWS region/],
    [{ client: {} }, /client must be an SSMClient/],
  ])('%j are refused at start, and not quoted', async (options, text) => {
    const start = async (): Promise<void> => fixture.manager(options).validateEnvironment();

    const failure = await failureOf(start);

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toMatch(text);
    expect(everythingOf(failure)).not.toContain('hunter2hunter2');
  });

  it('are told with all problems at once', async () => {
    const options = { tier: 'x', pathPrefix: '/aws', endpoint: 'ftp://x', region: undefined };
    const manager = fixture.manager({ ...options, more: 1 } as object);

    const failure = await failureOf(manager.validateEnvironment());

    for (const text of ['tier', 'pathPrefix', '"more"', 'https://', 'AWS_REGION']) {
      expect(failure.message).toContain(text);
    }
  });

  it('are fine if they are right, and nothing is sent', async () => {
    const manager = fixture.manager({
      tier: 'Intelligent-Tiering',
      pathPrefix: '/app',
      kmsKeyId: 'alias/app',
    });

    await expect(manager.validateEnvironment()).resolves.toBeUndefined();
    expect(fixture.aws.requests).toEqual([]);
  });

  it('hold no region beside a client, and the client stays open', async () => {
    const given = client(fixture.aws.url);
    const destroy = jest.spyOn(given, 'destroy');
    const failure = await failureOf(fixture.manager({ client: given }).validateEnvironment());
    const manager = new AwsParameterStoreSecretManager({ client: given });

    await manager.validateEnvironment();
    const reading = await manager.readSecret('NAME');
    await manager.close();

    expect(failure.message).toContain('`region`, `endpoint`, `credentials`');
    expect(reading?.value).toBe('of NAME');
    expect(destroy).not.toHaveBeenCalled();
    given.destroy();
  });

  it('hold a client with retries only with a warning', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
    const given = client(fixture.aws.url, 3);

    await new AwsParameterStoreSecretManager({ client: given }).validateEnvironment();

    const ours = warn.mock.calls.filter(([text]) =>
      String(text).includes('AwsParameterStoreSecretManager'),
    );
    warn.mockRestore();
    expect(ours).toHaveLength(1);
    given.destroy();
  });
});

describe('the endpoint in the environment', () => {
  it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_SSM'])(
    'is refused at start and in a read if it is plain http (%s)',
    async (variable) => {
      process.env[variable] = 'http://hunter2hunter2.invalid:4566';
      const manager = fixture.manager({ endpoint: undefined });

      const failures = [
        await failureOf(manager.validateEnvironment()),
        await failureOf(manager.readSecret('NAME')),
        await failureOf(() => manager.readSecretSync('NAME', { timeoutMs: 20_000 })),
      ];

      expect(failures).toMatchObject(Array(3).fill({ code: 'MISCONFIGURED' }));
      expect(failures[0]?.message).toContain('AWS_ENDPOINT_URL_SSM');
      expect(everythingOf(failures)).not.toContain('hunter2');
    },
  );
});

describe('a manager from the environment', () => {
  const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAOFTHEENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'secret' };

  it.each<[string, object, string]>([
    ['AWS_REGION', { AWS_REGION: 'sa-east-1', AWS_DEFAULT_REGION: 'eu-west-1' }, 'sa-east-1'],
    ['AWS_DEFAULT_REGION', { AWS_DEFAULT_REGION: 'sa-east-1', AWS_REGION: '' }, 'sa-east-1'],
    ['LiteLLM', { AWS_REGION_NAME: 'sa-east-1' }, 'sa-east-1'],
  ])('takes the region of %s, the keys and the endpoint', async (_, variables, region) => {
    const given = { ...KEYS, ...variables, AWS_ENDPOINT_URL_SSM: fixture.aws.url };
    const manager = AwsParameterStoreSecretManager.fromEnvironment(given);

    await manager.validateEnvironment();
    await manager.readSecret('NAME');

    expect(signature()).toEqual({ key: 'AKIAOFTHEENVIRONMENT', region });
    await manager.close();
  });

  it('reads the environment of the process, as one without options does', async () => {
    Object.assign(process.env, KEYS, {
      AWS_REGION: 'sa-east-1',
      AWS_ENDPOINT_URL: fixture.aws.url,
    });
    const managers = [
      AwsParameterStoreSecretManager.fromEnvironment(),
      new AwsParameterStoreSecretManager(),
    ];

    for (const manager of managers) {
      await manager.validateEnvironment();
      await manager.readSecret('NAME');
      expect(signature()).toEqual({ key: 'AKIAOFTHEENVIRONMENT', region: 'sa-east-1' });
      await manager.close();
    }
  });

  it('prefers the overrides', async () => {
    const given = { ...KEYS, AWS_REGION: 'sa-east-1', AWS_ENDPOINT_URL: 'https://none.invalid' };
    const overrides = { region: 'eu-west-1', endpoint: fixture.aws.url, ...NO_CLIENT };
    const manager = AwsParameterStoreSecretManager.fromEnvironment(given, overrides);

    await manager.readSecret('NAME');

    expect(signature().region).toBe('eu-west-1');
    await manager.close();
  });

  it('refuses half a pair of keys, and does not show the other half', async () => {
    const given = { AWS_REGION: 'sa-east-1', AWS_SECRET_ACCESS_KEY: 'hunter2hunter2' };
    const manager = AwsParameterStoreSecretManager.fromEnvironment(given);

    const failure = await failureOf(manager.validateEnvironment());

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toContain('accessKeyId');
    expect(everythingOf([failure, manager])).not.toContain('hunter2');
    await manager.close();
  });
});
