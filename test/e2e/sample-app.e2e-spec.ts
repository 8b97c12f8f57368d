import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { Logger, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SECRET_MANAGER, SecretManagerError, SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import request from 'supertest';
import { AppModule } from '../../sample-app/src/app.module';
import { createEmbeddedStore } from '../../sample-app/src/create-embedded-store';
import { EXAMPLES } from '../../sample-app/src/examples';
import { CapturedLog } from '../support/application';
import { failureOf, leaks } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const SIGNING_KEY = 'canary-of-the-signing-key-7d1f';

describe('the sample application', () => {
  let store: InMemorySecretManager;
  let app: INestApplication<Server>;
  let log: CapturedLog;

  beforeEach(async () => {
    store = new InMemorySecretManager({ SIGNING_KEY });
    log = new CapturedLog();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(SECRET_MANAGER)
      .useValue(store)
      .setLogger(log)
      .compile();
    app = module.createNestApplication<INestApplication<Server>>();
    await app.init();
  });

  afterEach(() => app.close());

  const ask = () => request(app.getHttpServer());

  it('answers every example that it gives', async () => {
    const { body: examples } = await ask().get('/');
    const statuses: number[] = [];

    for (const { request: example, body } of EXAMPLES) {
      const [method = '', path = ''] = example.split(' ');
      const asked = ask()[method.toLowerCase() as 'get'](path);
      const { status } = await (body ? asked.type('json').send(body) : asked);
      statuses.push(status);
    }

    expect(examples).toEqual(EXAMPLES);
    expect(statuses).toEqual(EXAMPLES.map(() => 200));
  });

  it('signs with the secret of the moment', async () => {
    const signatureWith = (key: string) => createHmac('sha256', key).update('hello').digest('hex');

    const before = await ask().get('/sign/hello');
    await ask().put('/secrets/SIGNING_KEY').send({ value: 'another key' }).expect(200);
    const after = await ask().get('/sign/hello');

    expect(before.body).toEqual({ message: 'hello', signature: signatureWith(SIGNING_KEY) });
    expect(after.body).toEqual({ message: 'hello', signature: signatureWith('another key') });
  });

  it('takes a slash in a name if it is encoded', async () => {
    await ask().put('/secrets/team%2Fpassword').send({ value: 'value' }).expect(200);

    const answer = await store.readSecret('team/password');

    expect(answer).toMatchObject({ value: 'value' });
  });

  it.each([{}, { value: '' }, { value: 5 }, { value: { length: 3 } }, []])(
    'does not store %j',
    async (body) => {
      const answer = await ask().put('/secrets/NEW').send(body);

      expect(answer.status).toBe(400);
      await expect(store.readSecret('NEW')).resolves.toBeUndefined();
    },
  );

  it('repeats nothing of a body that it cannot read', async () => {
    const body = '{"value": canary-without-quotes}';

    const answer = await ask().put('/secrets/NEW').type('json').send(body);

    expect(answer.status).toBe(400);
    expect(leaks(answer.text + log.lines.join('\n'), 'canary-without-quotes')).toBe(false);
  });

  it.each([
    ['NOT_FOUND', 404],
    ['INVALID_ARGUMENT', 400],
    ['NOT_PERMITTED', 403],
    ['CONFLICT', 409],
    ['UNSUPPORTED', 501],
    ['UNAVAILABLE', 503],
    ['THROTTLED', 503],
    ['TIMEOUT', 503],
    ['CANCELLED', 503],
    ['ACCESS_DENIED', 502],
    ['UNAUTHENTICATED', 502],
    ['MALFORMED', 500],
    ['UNKNOWN', 500],
  ] as const)(
    'answers %s of the store with status %i, and tells nothing else',
    async (code, status) => {
      store.fail(new SecretManagerError(code, 'canary of the details'));

      const answer = await ask().put('/secrets/NEW').send({ value: 'hidden-value-4c1b' });

      expect(answer.status).toBe(status);
      expect(answer.body).toEqual({ statusCode: status, code, message: expect.any(String) });
      expect(answer.text).not.toContain('canary of the details');
      expect(leaks(log.lines.join('\n'), 'hidden-value-4c1b')).toBe(false);
    },
  );

  it('says when to come again if the store does', async () => {
    const headers = { 'retry-after': '7' };
    store.fail(Object.assign(new Error(), { statusCode: 429, headers }));

    const answer = await ask().put('/secrets/NEW').send({ value: 'value' });

    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ 'retry-after': '7' });
  });

  it('is not ready while the store is down, and alive all the same', async () => {
    store.fail('unavailable');

    const ready = await ask().get('/health');
    const alive = await ask().get('/health/live');

    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ error: { secrets: { code: 'UNAVAILABLE' } } });
    expect(alive.status).toBe(200);
  });

  it('goes on signing while the store is down', async () => {
    store.fail('unavailable');

    const answer = await ask().get('/sign/hello');

    expect(answer.status).toBe(200);
    expect(app.get(SecretsService).inspect()).toMatchObject([{ name: 'SIGNING_KEY' }]);
  });

  it('shows no value on any of its routes, nor in its log', async () => {
    const texts: string[] = [];

    for (const path of ['/', '/sign/hello', '/secrets', '/secrets/SIGNING_KEY', '/health']) {
      texts.push(JSON.stringify((await ask().get(path)).text));
    }

    expect(leaks([...texts, ...log.lines].join('\n'), SIGNING_KEY)).toBe(false);
  });
});

describe('the embedded store of the sample application', () => {
  let folder: string;
  let log: CapturedLog;

  beforeEach(() => {
    folder = join(temporaryFolder(), 'data');
    log = new CapturedLog();
    Logger.overrideLogger(log);
  });

  afterEach(removeTemporaryFolders);

  it('has a key to sign with from its first start on, always the same', async () => {
    const first = await createEmbeddedStore(folder);
    const before = await first.readSecret('SIGNING_KEY');
    await first.close();

    const second = await createEmbeddedStore(folder);

    expect(before?.value).toMatch(/^[\w-]{43}$/);
    expect(await second.readSecret('SIGNING_KEY')).toEqual(before);
  });

  it('says where its key is, but not the key, nor a secret', async () => {
    const store = await createEmbeddedStore(folder);
    const signingKey = (await store.readSecret('SIGNING_KEY'))?.value ?? '';
    const key = readFileSync(join(folder, 'secrets.key'), 'utf8').trim();

    const printed = log.lines.join('\n');

    expect(printed).toContain(join(folder, 'secrets.key'));
    expect([key, signingKey].filter((canary) => leaks(printed, canary))).toEqual([]);
  });

  it('does not start with another key, and leaves what is there as it is', async () => {
    await (await createEmbeddedStore(folder)).close();
    const before = readFileSync(join(folder, 'secrets'));
    writeFileSync(join(folder, 'secrets.key'), 'ab'.repeat(32));

    const error = await failureOf(createEmbeddedStore(folder));

    expect(error.code).toBe('MISCONFIGURED');
    expect(readFileSync(join(folder, 'secrets'))).toEqual(before);
  });
});
