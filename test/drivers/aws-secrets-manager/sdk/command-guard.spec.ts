import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reply } from '../../../support/aws-endpoint';
import { everythingOf, failureOf } from '../../../support/failure-of';
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

type Call = (manager: AwsSecretManager, id: string) => unknown;

/** Every operation that takes the id of a secret. */
const CALLS: readonly (readonly [what: string, call: Call])[] = [
  ['a read', (manager, id) => manager.readSecret(id)],
  ['a read of a version', (manager, id) => manager.readSecret(id, { params: { versionId: 'v' } })],
  ['a batch', async (manager, id) => (await manager.readSecrets([id, 'other'])).get(id)],
  ['a batch of one', async (manager, id) => (await manager.readSecrets([id])).get(id)],
  ['a write', (manager, id) => manager.writeSecret(id, 'value')],
  ['a creation', (manager, id) => manager.writeSecret(id, 'value', { createOnly: true })],
  ['a write with tags', (manager, id) => manager.writeSecret(id, 'v', { tags: { a: 'b' } })],
  ['a deletion', (manager, id) => manager.deleteSecret(id)],
  ['a description', (manager, id) => manager.describeSecret(id)],
  ['a synchronous read', (manager, id) => manager.readSecretSync(id, { timeoutMs: 20_000 })],
];

/** Returns the failure of a call. A batch resolves to its error; the others reject. */
async function failureIn(call: Call, manager: AwsSecretManager, id: string) {
  return await failureOf(async () => {
    const answer = await call(manager, id);
    if (answer instanceof Error) throw answer;
  });
}

describe("an ARN of another region than the manager's", () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-a1B2c3';

  it.each(CALLS)(
    'is MISCONFIGURED in %s, which sends nothing and names both regions',
    async (_, call) => {
      const failure = await failureIn(call, fixture.manager(), arn);

      expect(failure).toMatchObject({ code: 'MISCONFIGURED', secretName: arn });
      expect(failure.message).toContain('eu-west-1');
      expect(failure.message).toContain('eu-central-1');
      expect(fixture.aws.inputsOf('GetSecretValue')).not.toContainEqual({ SecretId: arn });
      expect(JSON.stringify(fixture.aws.inputsOf('BatchGetSecretValue'))).not.toContain(arn);
    },
  );

  it.each([
    ['without its suffix', arn.slice(0, -7)],
    [
      'of another partition',
      arn.replace('arn:aws:', 'arn:aws-cn:').replace('eu-west-1', 'cn-north-1'),
    ],
    ['of another account', arn.replace('123456789012', '210987654321')],
  ])('is detected %s', async (_, id) => {
    const failure = await failureOf(fixture.manager().readSecret(id));

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
  });

  it('does not affect the other secrets of a batch', async () => {
    fixture.aws.reply('BatchGetSecretValue', {
      body: { SecretValues: ['A', 'B'].map((Name) => ({ Name, ARN: Name, SecretString: Name })) },
    });

    const answers = await fixture.manager().readSecrets(['A', arn, 'B']);

    expect(answers.get('A')).toMatchObject({ value: 'A' });
    expect(answers.get('B')).toMatchObject({ value: 'B' });
    expect(answers.get(arn)).toMatchObject({ code: 'MISCONFIGURED' });
  });

  it('is compared with the region of the profile', async () => {
    writeFileSync(join(home, 'config'), '[default]\nregion = eu-west-1\n');
    const manager = fixture.manager({ region: undefined });
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'value' } });

    expect((await manager.readSecret(arn))?.value).toBe('value');
    const failure = await failureOf(manager.readSecret(arn.replace('eu-west-1', 'eu-north-1')));
    expect(failure.message).toMatch(/eu-north-1.*eu-west-1/);
  });

  it('is compared with the region of a given client', async () => {
    const { url: endpoint } = fixture.aws;
    const client = new SecretsManagerClient({
      region: 'us-east-1',
      endpoint,
      credentials: CREDENTIALS,
    });
    const manager = fixture.manager({ client, region: undefined });

    expect(await failureOf(manager.readSecret(arn))).toMatchObject({ code: 'MISCONFIGURED' });
    client.destroy();
  });

  it('is read from another account of the same region', async () => {
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'value' } });
    const id = arn.replace('eu-west-1', 'eu-central-1').replace('123456789012', '210987654321');

    expect((await fixture.manager().readSecret(id))?.value).toBe('value');
  });

  it.each([
    'arn:aws:ssm:eu-central-1:123456789012:parameter/stripe',
    'arn:aws:secretsmanager',
    'arn:',
  ])('is not even an ARN of a secret: %s', async (id) => {
    const failures = [
      await failureOf(fixture.manager().readSecret(id)),
      await failureOf(() => fixture.manager().readSecretSync(id)),
    ];

    expect(failures).toMatchObject(Array(2).fill({ code: 'INVALID_ARGUMENT', secretName: id }));
    expect(fixture.aws.requests).toEqual([]);
  });
});

describe('an endless answer of AWS', () => {
  it.each(
    CALLS.filter(([what]) => what !== 'a synchronous read').flatMap(([what, call]) =>
      (['endless', 'endless failure'] as const).map((reply): [string, Reply, Call] => [
        what,
        reply,
        call,
      ]),
    ),
  )('ends %s with MALFORMED after some MiB (%s), without a retry', async (_, reply, call) => {
    fixture.aws.reply('*', reply);

    const failure = await failureIn(call, fixture.manager(), 'KEY');

    expect(failure).toMatchObject({ code: 'MALFORMED', retryable: false });
    expect(failure.message).toContain('8 MiB');
    expect(everythingOf(failure)).not.toContain('xxxx');
    expect(fixture.aws.endlessBytes).toBeLessThan(32 * 2 ** 20);
    expect(fixture.aws.requests).toHaveLength(1);
  });

  it('ends a health check', async () => {
    fixture.aws.reply('*', 'endless');

    const failure = await failureOf(fixture.manager().checkHealth());

    expect(failure).toMatchObject({ code: 'MALFORMED' });
  });

  it('ends a call of a given client', async () => {
    const { url: endpoint } = fixture.aws;
    const client = new SecretsManagerClient({
      region: 'eu-central-1',
      endpoint,
      credentials: CREDENTIALS,
    });
    fixture.aws.reply('*', 'endless');
    const given = { client, region: undefined, endpoint: undefined, credentials: undefined };

    const failure = await failureOf(fixture.manager(given).readSecret('KEY'));

    expect(failure).toMatchObject({ code: 'MALFORMED' });
    expect(fixture.aws.requests).toHaveLength(1);
    client.destroy();
  });

  it('is not assumed for twenty secrets of the largest size', async () => {
    const value = '\u0001'.repeat(65_536);
    const names = Array.from({ length: 20 }, (_, index) => `KEY_${index}`);
    fixture.aws.reply('BatchGetSecretValue', {
      body: { SecretValues: names.map((Name) => ({ Name, ARN: Name, SecretString: value })) },
    });

    const answers = await fixture.manager().readSecrets(names);

    expect(answers.get('KEY_19')).toMatchObject({ value });
  });
});

describe('an endpoint from the environment or the profile', () => {
  const FAR = 'http://secrets.hunter2hunter2.invalid:4566';
  const SOURCES: readonly [string, () => void][] = [
    ['AWS_ENDPOINT_URL', () => (process.env.AWS_ENDPOINT_URL = FAR)],
    [
      'AWS_ENDPOINT_URL_SECRETS_MANAGER',
      () => (process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER = FAR),
    ],
    [
      'the default profile',
      () => writeFileSync(join(home, 'config'), `[default]\nendpoint_url = ${FAR}\n`),
    ],
    [
      'the services of a profile',
      () => {
        const services = `[services dev]\nsecrets_manager =\n  endpoint_url = ${FAR}\n`;
        writeFileSync(join(home, 'config'), `[profile app]\nservices = dev\n${services}`);
        process.env.AWS_PROFILE = 'app';
      },
    ],
  ];

  it.each(SOURCES)(
    'is refused at start and in each call if it is plain http (%s)',
    async (_, set) => {
      set();
      const manager = fixture.manager({ endpoint: undefined });

      const failures = [
        await failureOf(manager.validateEnvironment()),
        ...(await Promise.all(CALLS.map(([, call]) => failureIn(call, manager, 'KEY')))),
        await failureOf(manager.checkHealth()),
      ];

      expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['MISCONFIGURED']));
      expect(failures.map(everythingOf).join()).toContain('allowInsecureHttp');
      expect(failures.map(everythingOf).join()).not.toContain('hunter2');
    },
  );

  it.each(SOURCES)('is used over plain http if the options allow it (%s)', async (_, set) => {
    set();
    const manager = fixture.translated({ endpoint: undefined, allowInsecureHttp: true });

    await expect(manager.validateEnvironment()).resolves.toBeUndefined();
    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY', { timeoutMs: 20_000 })),
    ];

    expect(failures).toMatchObject(Array(2).fill({ code: 'UNAVAILABLE' }));
  });

  it('is used over plain http on this machine', async () => {
    process.env.AWS_ENDPOINT_URL = fixture.aws.url;
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'value' } });
    const manager = fixture.manager({ endpoint: undefined });

    await manager.validateEnvironment();

    expect((await manager.readSecret('KEY'))?.value).toBe('value');
  });

  it('is ignored if the option gives another', async () => {
    process.env.AWS_ENDPOINT_URL = FAR;
    fixture.aws.reply('GetSecretValue', { body: { SecretString: 'value' } });
    const manager = fixture.manager();

    await manager.validateEnvironment();

    expect((await manager.readSecret('KEY'))?.value).toBe('value');
  });

  it.each(['hunter2hunter2', 'ftp://hunter2hunter2.invalid'])(
    'is refused if it is no URL: %s',
    async (address) => {
      process.env.AWS_ENDPOINT_URL = address;
      const manager = fixture.manager({ endpoint: undefined });

      const failures = [
        await failureOf(manager.validateEnvironment()),
        await failureOf(manager.readSecret('KEY')),
        await failureOf(() => manager.readSecretSync('KEY', { timeoutMs: 20_000 })),
      ];

      expect(failures).toMatchObject(Array(3).fill({ code: 'MISCONFIGURED' }));
      expect(failures.map(everythingOf).join()).not.toContain('hunter2');
    },
  );

  it.each([
    ['an endpoint', { endpoint: FAR }, undefined],
    ['the environment', {}, FAR],
  ])('is refused for a given client, too, if %s sets it', async (_, config, variable) => {
    if (variable) process.env.AWS_ENDPOINT_URL = variable;
    const client = new SecretsManagerClient({
      region: 'eu-central-1',
      credentials: CREDENTIALS,
      ...config,
    });
    const given = { client, region: undefined, endpoint: undefined, credentials: undefined };
    const manager = fixture.manager(given);

    const failures = [
      await failureOf(manager.validateEnvironment()),
      await failureOf(manager.readSecret('KEY')),
    ];

    expect(failures).toMatchObject(Array(2).fill({ code: 'MISCONFIGURED' }));
    const permitted = fixture.manager({ ...given, allowInsecureHttp: true });
    await expect(permitted.validateEnvironment()).resolves.toBeUndefined();
    client.destroy();
  });
});
