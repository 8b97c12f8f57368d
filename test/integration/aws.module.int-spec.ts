import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  type DescribeSecretCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import type { INestApplication } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import {
  SecretManagerModule,
  SecretsService,
  type ManagerBinding,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { AwsSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { SecretManagerHealthIndicator } from 'nestjs-custom-secret-manager/terminus';
import type { Server } from 'node:http';
import request from 'supertest';
import { CapturedLog, closeApplications, closeLater } from '../support/application';
import { refusal, type Reply } from '../support/aws-endpoint';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { HealthController } from './support/health.controller';
import { CREDENTIALS, REGION, startMoto, type Moto } from './support/moto';

const VALUE = 'sk-canary-of-the-module-0123456789';
const WRITABLE = { settings: { accessMode: 'read_and_write' as const } };

describe('an application on AWS Secrets Manager', () => {
  let moto: Moto;
  let app: INestApplication<Server>;
  let secrets: SecretsService;
  let log: CapturedLog;

  beforeAll(async () => {
    moto = await startMoto();
  });

  beforeEach(() => moto.reset());

  afterEach(() => closeApplications());

  afterAll(() => moto.stop());

  const start = async (
    options: SecretManagerModuleOptions = {},
    manager: ManagerBinding = { useFactory: () => moto.manager() },
  ): Promise<void> => {
    log = new CapturedLog();
    const module = await Test.createTestingModule({
      imports: [
        SecretManagerModule.forRoot({ manager, environment: {}, ...options }),
        TerminusModule,
      ],
      controllers: [HealthController],
      providers: [SecretManagerHealthIndicator],
    })
      .setLogger(log)
      .compile();
    app = closeLater(module.createNestApplication<INestApplication<Server>>());
    await app.init();
    secrets = app.get(SecretsService);
  };

  const stored = (name: string): Promise<DescribeSecretCommandOutput> =>
    moto.client.send(new DescribeSecretCommand({ SecretId: name }));

  const putPending = (name: string, value: string): Promise<unknown> =>
    moto.client.send(
      new PutSecretValueCommand({
        SecretId: name,
        SecretString: value,
        VersionStages: ['AWSPENDING'],
      }),
    );

  it('reads through a manager from a factory, once for concurrent reads', async () => {
    await moto.seed('app/KEY', VALUE);
    await start();

    const values = await Promise.all(Array.from({ length: 50 }, () => secrets.get('app/KEY')));

    expect(new Set(values)).toEqual(new Set([VALUE]));
    expect(moto.endpoint.actions).toEqual(['GetSecretValue']);
  });

  it('reads through a given manager, which stays open', async () => {
    await moto.seed('KEY', VALUE);
    const manager = moto.manager();
    await start({}, { useValue: manager });

    const value = await secrets.get('KEY');
    await app.close();

    expect(value).toBe(VALUE);
    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: VALUE });
    await manager.close();
  });

  it('reads through the class itself, with the environment of the process', async () => {
    await moto.seed('KEY', VALUE);
    const environment = process.env;
    process.env = {
      ...environment,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.endpoint.url,
    };
    try {
      await start({}, AwsSecretManager);

      await expect(secrets.get('KEY')).resolves.toBe(VALUE);
    } finally {
      process.env = environment;
    }
  });

  it('does not start with an unusable endpoint', async () => {
    const manager = { useFactory: () => moto.manager({ endpoint: 'http://elsewhere.example' }) };

    const failure = await failureOf(start({}, manager));

    expect(failure).toMatchObject({ code: 'MISCONFIGURED' });
    expect(failure.message).toContain('allowInsecureHttp');
  });

  it('preloads and reads many with one call', async () => {
    for (const name of ['A', 'B', 'C']) await moto.seed(name, `of ${name}`);
    await start();

    const outcomes = await secrets.getMany(['A', 'B', 'C', 'ABSENT']);

    expect([...outcomes]).toEqual([
      ['A', { value: 'of A' }],
      ['B', { value: 'of B' }],
      ['C', { value: 'of C' }],
      ['ABSENT', { absent: true }],
    ]);
    expect(moto.endpoint.actions).toEqual(['BatchGetSecretValue']);
  });

  it('caches pending and current versions separately', async () => {
    await moto.seed('KEY', 'current');
    await putPending('KEY', 'pending');
    await start();
    const pending = { params: { versionStage: 'AWSPENDING' } };

    const values = [
      await secrets.get('KEY'),
      await secrets.get('KEY', pending),
      await secrets.get('KEY'),
      await secrets.get('KEY', pending),
    ];

    expect(values).toEqual(['current', 'pending', 'current', 'pending']);
    expect(moto.endpoint.actions).toHaveLength(2);
  });

  it('finds its secrets in one bundle', async () => {
    await moto.seed('app/all', JSON.stringify({ A: 'of A', PORT: 5432, NESTED: { b: [1] } }));
    await start({ settings: { primarySecretName: 'app/all' } });

    const outcomes = await secrets.getMany(['A', 'PORT', 'NESTED', 'ABSENT']);

    expect([...outcomes.values()]).toEqual([
      { value: 'of A' },
      { value: '5432' },
      { value: '{"b":[1]}' },
      { absent: true },
    ]);
    await expect(secrets.get('A')).resolves.toBe('of A');
    expect(moto.endpoint.inputsOf('GetSecretValue')).toEqual([{ SecretId: 'app/all' }]);
  });

  it('stores a secret with the description and tags of the settings', async () => {
    const settings = { ...WRITABLE.settings, description: 'of the app', tags: { team: 'a' } };
    await start({ settings });

    await secrets.set('NEW', VALUE, { tags: { env: 'x' } });

    await expect(secrets.get('NEW')).resolves.toBe(VALUE);
    expect(await stored('NEW')).toMatchObject({
      Description: 'of the app',
      Tags: [
        { Key: 'team', Value: 'a' },
        { Key: 'env', Value: 'x' },
      ],
    });
  });

  it('rotates in place, and keeps description and tags', async () => {
    await moto.seed('KEY', 'old', {
      Description: 'of somebody else',
      Tags: [{ Key: 'team', Value: 'a' }],
    });
    await start({ settings: { ...WRITABLE.settings, description: 'of the app' } });
    await secrets.get('KEY');

    await secrets.rotate('KEY', { value: VALUE });

    await expect(secrets.get('KEY')).resolves.toBe(VALUE);
    expect(await stored('KEY')).toMatchObject({
      Description: 'of somebody else',
      Tags: [{ Key: 'team', Value: 'a' }],
    });
  });

  it('rotates to another name, with description and tags', async () => {
    await moto.seed('OLD', 'old', { Description: 'kept', Tags: [{ Key: 'team', Value: 'a' }] });
    await start(WRITABLE);

    await secrets.rotate('OLD', { name: 'NEW', value: VALUE });

    expect(await stored('NEW')).toMatchObject({
      Description: 'kept',
      Tags: [{ Key: 'team', Value: 'a' }],
    });
    expect((await stored('OLD')).DeletedDate).toBeInstanceOf(Date);
    await expect(secrets.get('OLD')).resolves.toBeUndefined();
  });

  it('deletes, returns the end of the recovery window, and restores by a write', async () => {
    await moto.seed('KEY', 'old');
    await start(WRITABLE);

    const { deletionAt } = await secrets.delete('KEY');
    const afterwards = await secrets.get('KEY');
    await secrets.set('KEY', VALUE, { createOnly: true });

    expect(Number(deletionAt)).toBeGreaterThan(Date.now());
    expect(afterwards).toBeUndefined();
    await expect(secrets.get('KEY', { maxAgeMs: 0 })).resolves.toBe(VALUE);
  });

  it('retries a throttled read, but no write', async () => {
    await moto.seed('KEY', VALUE);
    await start({ ...WRITABLE, retry: { baseDelayMs: 1 } });
    moto.endpoint.reply('GetSecretValue', refusal('ThrottlingException'), () => undefined);
    moto.endpoint.reply('PutSecretValue', refusal('ThrottlingException'), () => undefined);

    const value = await secrets.get('KEY');
    const failure = await failureOf(secrets.set('KEY', 'new'));

    expect(value).toBe(VALUE);
    expect(failure).toMatchObject({ code: 'THROTTLED' });
    expect(moto.endpoint.actions).toEqual(['GetSecretValue', 'GetSecretValue', 'PutSecretValue']);
  });

  it('serves cached values while AWS is down, but not after a denial', async () => {
    await moto.seed('KEY', VALUE);
    await start({ cache: { ttlMs: 1, staleWhileRevalidateMs: 0 }, retry: false });
    await secrets.get('KEY');
    moto.endpoint.reply('*', refusal('InternalServiceError', '', 500));
    await failureOf(secrets.get('KEY', { maxAgeMs: 0 }));

    const during = await secrets.get('KEY');
    moto.endpoint.reply('*', refusal('AccessDeniedException'));
    await failureOf(secrets.refresh('KEY'));
    const denied = await failureOf(secrets.get('KEY'));

    expect(during).toBe(VALUE);
    expect(denied).toMatchObject({ code: 'ACCESS_DENIED', secretName: 'KEY' });
  });

  it('is healthy with AWS, even if it may not list, and unhealthy without', async () => {
    await start();
    const ask = () => request(app.getHttpServer()).get('/health');

    const well = await ask();
    moto.endpoint.reply('ListSecrets', refusal('AccessDeniedException'));
    const notAllowed = await ask();
    moto.endpoint.reply('ListSecrets', refusal('ExpiredTokenException'));
    const expired = await ask();

    expect([well.status, notAllowed.status, expired.status]).toEqual([200, 200, 503]);
    expect(expired.body).toMatchObject({
      error: {
        secrets: { status: 'down', manager: 'aws-secrets-manager', code: 'UNAUTHENTICATED' },
      },
    });
  });

  it.each<[string, Reply]>([
    ['denies', ({ headers }) => refusal('AccessDeniedException', JSON.stringify(headers) + VALUE)],
    ['is down', ({ headers }) => ({ status: 503, body: JSON.stringify(headers) + VALUE })],
    ['answers nonsense', ({ headers }) => ({ body: JSON.stringify(headers) + VALUE })],
    ['hangs up', 'reset'],
    ['hangs', 'hang'],
  ])('discloses neither value nor credential if AWS %s', async (_, reply) => {
    await moto.seed('KEY', VALUE);
    await start({ ...WRITABLE, retry: false, attemptTimeoutMs: 200 });
    await secrets.get('KEY');
    moto.endpoint.reply('*', reply);

    const seen = [
      await failureOf(secrets.get('KEY', { maxAgeMs: 0 })),
      await failureOf(secrets.set('KEY', VALUE)),
      [...(await secrets.getMany(['A', 'B'])).values()],
      (await request(app.getHttpServer()).get('/health')).text,
      log.lines,
      secrets,
    ];

    const text = seen.map(everythingOf).join('\n');
    const canaries = [VALUE, ...Object.values(CREDENTIALS)];
    expect(canaries.filter((canary) => leaks(text, canary))).toEqual([]);
  });
});
