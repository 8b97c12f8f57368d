import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import type { Response } from 'supertest';
import { closeApplications } from '../support/application';
import {
  MASTER_KEY,
  SIGNING_KEY,
  hello,
  startGateway,
  type Gateway,
  type Issued,
} from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

jest.setTimeout(60_000); // the time on a busy machine

/** The latency of each operation, so that requests overlap. */
const DELAY_MS = 3;
const ROUNDS = [0, 4, 12].map((operations) => operations * DELAY_MS);

/** The time after which replicas count as current. Before that, a read after an own write may take seconds. */
const AFTER_THE_LAG_MS = 11_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each([1, 2])('on %i instances of one store', (instances) => {
  let store: InMemorySecretManager;
  let one: Gateway;
  let other: Gateway;

  beforeEach(async () => {
    store = new InMemorySecretManager({ MASTER_KEY });
    one = await startGateway(store);
    other = instances === 1 ? one : await startGateway(store);
    await one.generate(); // creates the signing key
    store.delay(DELAY_MS);
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await closeApplications();
    removeTemporaryFolders();
  });

  const sleepThroughTheLag = (): void => {
    const awake = Date.now() + AFTER_THE_LAG_MS - performance.now();
    jest.spyOn(Date, 'now').mockImplementation(() => awake + performance.now());
  };

  const statusOf = async (key: string): Promise<number> =>
    (await other.post('/v1/chat/completions', hello('echo'), key)).status;

  const namesInStore = async (): Promise<string[]> => {
    const names = new Set(store.calls.map(({ secretName }) => secretName ?? ''));
    const values = await Promise.all([...names].map((name) => store.readSecret(name)));
    return [...names]
      .filter((name, at) => /^(gateway|litellm)/.test(name) && name !== SIGNING_KEY && values[at])
      .sort();
  };

  describe.each([
    ['by key', ({ key }: Issued) => ({ keys: [key] })],
    ['by alias', ({ key_alias }: Issued) => ({ key_aliases: [key_alias] })],
  ])('a deletion %s', (_, which) => {
    it.each<[string, string, object]>([
      ['a regeneration', '/key/regenerate', {}],
      ['a regeneration with a grace period', '/key/regenerate', { grace_period: '1h' }],
      ['a new alias', '/key/update', { key_alias: 'moved' }],
      ['new models', '/key/update', { models: ['echo'] }],
      ['a block', '/key/block', {}],
    ])('that succeeds during %s leaves nothing of the key', async (_what, path, content) => {
      const namesBefore = await namesInStore();
      for (const ms of ROUNDS) {
        const issued = await one.generate({ key_alias: 'laptop' });
        let hasEnded = false;

        const changing = one.post(path, { key: issued.key, ...content }).then((answer) => {
          hasEnded = true;
          return answer;
        });
        await pause(ms);
        const overlaps = !hasEnded;
        const deleted = await other.post('/key/delete', which(issued));
        const changed: Response = await changing;

        expect([200, 404, 409]).toContain(changed.status);
        expect([200, 404, 409]).toContain(deleted.status);
        const next = (changed.body as Partial<Issued>).key ?? issued.key;
        const isOwn = next.startsWith('sk-');
        const isDeleted = overlaps && deleted.status === 200;
        const isChanged = deleted.status !== 200 && changed.status === 200 && path !== '/key/block';
        sleepThroughTheLag();
        const works = [await statusOf(issued.key), isOwn ? await statusOf(next) : 401];
        const left = (await namesInStore()).filter((name) => !namesBefore.includes(name));
        expect(isDeleted ? [...works, ...left] : [401, 401]).toEqual([401, 401]);
        expect(isChanged && isOwn ? works[1] : 200).toBe(200);
        await one.post('/key/delete', { keys: [next, issued.key] });
        sleepThroughTheLag();
        expect(await namesInStore()).toEqual(namesBefore);
      }
    });
  });

  it('a chosen key is issued once, without leftovers of the losers', async () => {
    const namesBefore = await namesInStore();
    const key = 'sk-chosen-by-a-customer';

    const answers = await Promise.all(
      Array.from({ length: 6 }, async (_, at) => {
        const gateway = at % 2 ? one : other;
        return await gateway.post('/key/generate', { key, key_alias: `alias-${at}` });
      }),
    );

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    expect(await statusOf(key)).toBe(200);
    expect(await namesInStore()).toHaveLength(namesBefore.length + 2);
    await one.post('/key/delete', { keys: [key] }).expect(200);
    expect(await namesInStore()).toEqual(namesBefore);
  });

  it('a chosen key replaces only one of several keys', async () => {
    const olds = [await one.generate(), await one.generate(), await one.generate()];
    const new_key = 'sk-chosen-by-a-customer';

    const answers = await Promise.all([
      ...olds.map(async ({ key }, at) => {
        const gateway = at % 2 ? one : other;
        return await gateway.post('/key/regenerate', { key, new_key });
      }),
      one.post('/key/generate', { key: new_key }),
    ]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    expect(await statusOf(new_key)).toBe(200);
    const works = await Promise.all(olds.map(({ key }) => statusOf(key)));
    expect(works).toEqual(answers.slice(0, 3).map(({ status }) => (status === 200 ? 401 : 200)));
  });
});
