import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { crc32c } from '../../lib/drivers/google/crc32c';
import { FakeGoogleSecretManager } from '../support/fake-google-secret-manager';

interface Outcome {
  readonly answer?: unknown;
  readonly code?: number;
  readonly message?: string;
}

const TOKEN = 'token-of-the-client';
const PROJECT = 'projects/project-1';
const SECRET = `${PROJECT}/secrets/A`;
const STORED = 'projects/123456789012/secrets/A';
const LATEST = { name: `${SECRET}/versions/latest` };

/** Drives Google's own client against the fake. It runs in its own process, because jest cannot load it. */
describe('The client of Google', () => {
  let fake: FakeGoogleSecretManager;
  let client: ChildProcess;
  let lines: Interface;

  beforeAll(async () => {
    fake = await new FakeGoogleSecretManager().start();
    fake.logins.tokens.add(TOKEN);
    const script = join(__dirname, '..', 'support', 'google-client.process.cjs');
    const stdio: ('pipe' | 'inherit')[] = ['pipe', 'pipe', 'inherit'];
    client = spawn(process.execPath, [script, String(fake.port), TOKEN], { stdio });
    if (client.stdout === null) throw new Error('the client has no output');
    lines = createInterface({ input: client.stdout });
  });

  beforeEach(() => fake.store.clear());

  afterAll(async () => {
    client.stdin?.end();
    await once(client, 'exit');
    await fake.stop();
  });

  const call = async (method: string, request: object): Promise<Outcome> => {
    const line = once(lines, 'line') as Promise<[string]>;
    client.stdin?.write(`${JSON.stringify({ method, request })}\n`);
    return JSON.parse((await line)[0]) as Outcome;
  };

  const create = (secret: object = {}): Promise<Outcome> =>
    call('createSecret', {
      parent: PROJECT,
      secretId: 'A',
      secret: { replication: { automatic: {} }, ...secret },
    });

  const add = (value: string): Promise<Outcome> => {
    const data = Buffer.from(value).toString('base64');
    const dataCrc32c = String(crc32c(Buffer.from(value)));
    return call('addSecretVersion', { parent: SECRET, payload: { data, dataCrc32c } });
  };

  it('creates a secret, adds a version and reads it', async () => {
    const created = await create({ annotations: { team: 'payments' } });
    const added = await add('first');
    const read = await call('accessSecretVersion', LATEST);

    expect(created).toMatchObject({ answer: { name: STORED, annotations: { team: 'payments' } } });
    expect(added).toMatchObject({
      answer: {
        name: `${STORED}/versions/1`,
        state: 'ENABLED',
        clientSpecifiedPayloadChecksum: true,
      },
    });
    expect(read).toEqual({
      answer: {
        name: `${STORED}/versions/1`,
        payload: { data: 'first', dataCrc32c: String(crc32c(Buffer.from('first'))) },
      },
    });
  });

  it('lists the versions, the newest first, and reads an old one', async () => {
    await create();
    await add('first');
    await add('second');

    const listed = await call('listSecretVersions', { parent: SECRET });
    const old = await call('accessSecretVersion', { name: `${SECRET}/versions/1` });

    expect(listed).toMatchObject({
      answer: [{ name: `${STORED}/versions/2` }, { name: `${STORED}/versions/1` }],
    });
    expect(old).toMatchObject({ answer: { payload: { data: 'first' } } });
  });

  it('learns that a secret is absent, denied, or there already', async () => {
    await create();
    fake.store.denied.add('B');

    const empty = await call('accessSecretVersion', LATEST);
    const absent = await call('getSecret', { name: `${PROJECT}/secrets/C` });
    const denied = await call('accessSecretVersion', {
      name: `${PROJECT}/secrets/B/versions/latest`,
    });
    const exists = await create();

    expect([empty.code, absent.code, denied.code, exists.code]).toEqual([404, 404, 403, 409]);
  });

  it('patches annotations, and learns that another etag counts', async () => {
    const { answer } = await create();
    const { etag } = answer as { etag: string };
    const updateMask = { paths: ['annotations'] };

    const patched = await call('updateSecret', {
      secret: { name: SECRET, etag, annotations: { team: 'b' } },
      updateMask,
    });
    const outdated = await call('updateSecret', {
      secret: { name: SECRET, etag, annotations: { team: 'c' } },
      updateMask,
    });

    expect(patched).toMatchObject({ answer: { annotations: { team: 'b' } } });
    expect(outdated.code).toBe(409);
  });

  it('disables and destroys a version, which cannot be read then', async () => {
    await create();
    await add('first');
    const version = { name: `${SECRET}/versions/1` };

    const disabled = await call('disableSecretVersion', version);
    const ofDisabled = await call('accessSecretVersion', LATEST);
    const destroyed = await call('destroySecretVersion', version);
    const ofDestroyed = await call('accessSecretVersion', LATEST);

    expect([disabled, destroyed]).toMatchObject([
      { answer: { state: 'DISABLED' } },
      { answer: { state: 'DESTROYED' } },
    ]);
    expect(ofDisabled).toMatchObject({
      code: 400,
      message: expect.stringContaining('DISABLED') as string,
    });
    expect(ofDestroyed).toMatchObject({
      code: 400,
      message: expect.stringContaining('DESTROYED') as string,
    });
  });

  it('deletes a secret, which is absent then', async () => {
    await create();
    await add('first');

    const deleted = await call('deleteSecret', { name: SECRET });
    const read = await call('accessSecretVersion', LATEST);

    expect(deleted).toEqual({ answer: {} });
    expect(read.code).toBe(404);
  });
});
