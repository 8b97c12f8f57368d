import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { randomBytes } from 'node:crypto';
import request from 'supertest';
import { request as ask } from 'undici';
import { type Status } from '../../sample-app/src/status/status-report';
import { closeApplications } from '../support/application';
import { FakeProvider, OPENAI_BEGINNING } from '../support/fake-provider';
import {
  MASTER_KEY,
  hello,
  modelEntry,
  startGateway,
  type Gateway,
  type Issued,
} from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

/** A store that counts its health checks. */
class CheckedStore extends InMemorySecretManager {
  checks = 0;

  override checkHealth(): Promise<boolean> {
    this.checks += 1;
    return super.checkHealth();
  }
}

const random = (length: number): string =>
  randomBytes(length).toString('base64url').slice(0, length);

/** Made-up keys in every form. */
const MADE_UP: Readonly<Record<string, (at: number) => string>> = {
  'of the length of generated keys': () => `Bearer sk-${random(65)}`,
  'of the length of older keys': () => `Bearer sk-${random(43)}`,
  'of sixteen characters': () => `Bearer sk-${random(16)}`,
  'that are long': (at) => `Bearer sk-${random(4_000 + at)}`,
  'that are all the same': () => 'Bearer sk-one-and-the-same-key',
  'that are a digest': (at) => `Bearer ${String(at).padStart(64, '0')}`,
  'without Bearer': () => `sk-${random(43)}`,
  'in Latin-1': (at) => `Bearer sk-ümläut-ümläut-${at}`,
  'with another scheme': () => `Basic ${random(40)}`,
};

jest.setTimeout(60_000); // for a machine that is busy with other tests

const COUNT = 200;

/** Returns the tokens of the bucket, with those that were added since. */
function few(startedAt: number): number {
  return 100 + Math.ceil(((performance.now() - startedAt) / 1_000) * 20);
}

describe('a flood of made-up keys', () => {
  let store: CheckedStore;
  let gateway: Gateway;

  beforeEach(async () => {
    store = new CheckedStore({ MASTER_KEY });
    gateway = await startGateway(store);
  });

  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
    removeTemporaryFolders();
  });

  const statusOf = async (authorization: string): Promise<number> => {
    const { statusCode, body } = await ask(`${gateway.url}/v1/models`, {
      headers: { authorization },
    });
    await body.dump();
    return statusCode;
  };

  const statusOfKey = (key: string): Promise<number> => statusOf(`Bearer ${key}`);

  const flood = async (
    count = COUNT,
    key = MADE_UP['of sixteen characters'],
  ): Promise<number[]> => {
    const statuses: number[] = [];
    for (let at = 0; at < count; at += 25) {
      const batch = Array.from({ length: 25 }, (_, index) => statusOf(key?.(at + index) ?? ''));
      statuses.push(...(await Promise.all(batch)));
    }
    return statuses;
  };

  const readsOf = (name: string): number =>
    store.calls.filter(({ secretName }) => secretName?.startsWith(name)).length;

  const later = (ms: number): void => {
    jest.useFakeTimers({ doNotFake: [...NOT_DATE], now: Date.now() + ms });
  };

  const removeBehindTheBack = ({ token_id }: Issued): void =>
    store.remove(`gateway/keys/${token_id}`);

  it.each(Object.entries(MADE_UP))('causes few calls to the store: keys %s', async (_, key) => {
    await gateway.generate();
    await gateway.generate({ key: 'sk-chosen-by-a-customer' });
    const [before, startedAt] = [readsOf('gateway/keys/'), performance.now()];

    const statuses = await flood(COUNT, key);

    expect([...new Set(statuses)].filter((status) => status !== 401 && status !== 429)).toEqual([]);
    expect(readsOf('gateway/keys/') - before).toBeLessThanOrEqual(few(startedAt));
  });

  it('causes few calls to the store if no key was ever generated', async () => {
    const startedAt = performance.now();

    await flood(COUNT, MADE_UP['of the length of generated keys']);

    expect(readsOf('gateway/keys/')).toBeLessThanOrEqual(few(startedAt));
  });

  it('gets a Retry-After for keys that are not looked up', async () => {
    await flood();

    const answers = await Promise.all(
      Array.from({ length: 25 }, () => gateway.get('/v1/models', `sk-${random(20)}`)),
    );

    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers).toMatchObject({ 'retry-after': '1' });
    expect(refused?.body).toMatchObject({
      error: { type: 'rate_limit_error', code: 'too_many_unknown_keys' },
    });
  });

  it('does not affect generated keys, even unused ones', async () => {
    const [used, unused] = [await gateway.generate(), await gateway.generate()];
    await statusOfKey(used.key);
    await flood();
    later(65_000); // the records have expired in the cache

    expect([await statusOfKey(used.key), await statusOfKey(unused.key)]).toEqual([200, 200]);
  });

  it('does not affect keys that another instance generated', async () => {
    const other = await startGateway(store);
    await gateway.generate();
    await flood();

    const { key } = await other.generate();

    expect(await statusOfKey(key)).toBe(200);
  });

  it('does not affect chosen keys that were used or created here', async () => {
    const other = await startGateway(store);
    const used = await other.generate({ key: 'sk-chosen-by-a-customer' });
    await statusOfKey(used.key);
    await flood();
    const made = await gateway.generate({ key: 'sk-chosen-by-another-one' });
    const { body } = await gateway.post(`/key/${made.key}/regenerate`, {
      new_key: 'sk-chosen-once-more-by-it',
    });

    expect([await statusOfKey(used.key), await statusOfKey(String(body.key))]).toEqual([200, 200]);
  });

  it('does not prevent issuing keys', async () => {
    const [, ...issued] = await Promise.all([
      flood(300),
      ...Array.from({ length: 20 }, () => gateway.generate()),
    ]);

    const statuses = await Promise.all(issued.map(({ key }) => statusOfKey(key)));
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 200));
  });

  it('evicts no key from the cache', async () => {
    const { key } = await gateway.generate();
    await statusOfKey(key);
    await flood(1_200);
    store.fail('unavailable');

    expect(await statusOfKey(key)).toBe(200);
  });

  it('does not extend the life of a deleted key beyond a minute', async () => {
    const issued = await gateway.generate();
    await statusOfKey(issued.key);
    removeBehindTheBack(issued);
    await flood();

    later(61_000);

    expect(await statusOfKey(issued.key)).toBe(401);
  });

  it.each(['unavailable', 'throttled'] as const)(
    'does not extend the life of a deleted key while the store is %s, and no key lives longer than a minute',
    async (fault) => {
      const issued = await gateway.generate();
      await statusOfKey(issued.key);
      removeBehindTheBack(issued);
      store.fail(fault);
      await flood();

      later(50_000);
      const within = await statusOfKey(issued.key);
      later(11_000);

      expect([within, await statusOfKey(issued.key)]).toEqual([200, 503]);
    },
  );

  it('causes no call to the store for a repeated deleted key', async () => {
    const issued = await gateway.generate();
    removeBehindTheBack(issued);
    later(61_000);
    const before = readsOf('');

    await flood(COUNT, () => `Bearer ${issued.key}`);

    expect(readsOf('') - before).toBeLessThanOrEqual(10);
  });
});

describe('status and health', () => {
  let store: CheckedStore;
  let gateway: Gateway;

  beforeEach(async () => {
    store = new CheckedStore({ MASTER_KEY });
    gateway = await startGateway(store);
  });

  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  it('ask the store at most once a second', async () => {
    const paths = Array.from({ length: 60 }, (_, at) => ['/status', '/health'][at % 2] ?? '');
    const startedAt = performance.now();

    const answers = await Promise.all(paths.map((path) => request(gateway.url).get(path)));

    const seconds = Math.ceil((performance.now() - startedAt) / 1_000);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(store.checks).toBeLessThanOrEqual(seconds);
  });

  it('make one call at a time while the store hangs', async () => {
    store.delay(1_500);

    await Promise.all(Array.from({ length: 20 }, () => request(gateway.url).get('/health')));

    expect(store.checks).toBe(1);
  });

  it('follow the state of the store', async () => {
    await request(gateway.url).get('/health').expect(200);
    store.fail('unavailable');
    await new Promise((resolve) => setTimeout(resolve, 1_100));

    await request(gateway.url).get('/health').expect(503);
  });

  const PUBLIC = ['/', '/status', '/status/page.js', '/status/page.css', '/health', '/health/live'];

  it.each(PUBLIC)('refuse unknown host names: %s', async (path) => {
    const foreign = [
      'evil.example',
      'evil.example:3000',
      'localhost.evil.example',
      'a@localhost',
      '',
    ];

    const statuses = await Promise.all(
      foreign.map(async (host) => (await request(gateway.url).get(path).set('host', host)).status),
    );

    expect(statuses.filter((status) => status !== 421 && status !== 400)).toEqual([]);
    expect(store.checks).toBe(0);
  });

  it.each([
    'localhost',
    'LOCALHOST:3000',
    '127.0.0.1:1',
    '[::1]:3000',
    '10.1.2.3:8080',
    'localhost.',
  ])('answer to %s', async (host) => {
    await request(gateway.url).get('/health').set('host', host).expect(200);
  });

  it('do not restrict the host of a request with a key', async () => {
    const answer = await gateway.get('/v1/models').set('host', 'gateway.internal');

    expect(answer.status).toBe(200);
  });

  it('describe the state in words', async () => {
    const { body } = await request(gateway.url).get('/status').expect(200);

    expect((body as Status).managers).toEqual([
      expect.objectContaining({
        check: expect.stringMatching(/^The store answered in \d+ ms\.$/),
        reads: 'The store is asked normally.',
      }),
    ]);
  });
});

describe('the log', () => {
  afterEach(async () => {
    jest.restoreAllMocks();
    await closeApplications();
    removeTemporaryFolders();
  });

  it('has one line for an outage, not one for each request', async () => {
    const store = new InMemorySecretManager({ MASTER_KEY });
    const gateway = await startGateway(store);
    const keys = await Promise.all(Array.from({ length: 5 }, () => gateway.generate()));
    store.fail('unavailable');
    jest.useFakeTimers({ doNotFake: [...NOT_DATE], now: Date.now() + 120_000 });

    for (let round = 0; round < 6; round++) {
      await Promise.all(
        keys.map(({ key }) => gateway.post('/v1/chat/completions', hello('echo'), key).expect(503)),
      );
    }
    jest.useRealTimers();

    const failed = gateway.log.warnings.filter((line) => line.includes('A request failed'));
    expect(failed).toHaveLength(1);
    expect(gateway.log.warnings.length).toBeLessThanOrEqual(4);
  });

  it('has one line for each missing secret', async () => {
    const store = new InMemorySecretManager({ MASTER_KEY });
    const gateway = await startGateway(store);
    store.fail('denied');

    for (let at = 0; at < 10; at++) await gateway.post('/key/generate', {}).expect(502);

    const failed = gateway.log.warnings.filter((line) => line.includes('A request failed'));
    expect(failed).toHaveLength(1);
  });

  it.each(['/health', '/health/readiness'])(
    'has one line for each change of the store that %s finds',
    async (path) => {
      const store = new InMemorySecretManager({ MASTER_KEY });
      const gateway = await startGateway(store);
      const realNow = performance.now.bind(performance);
      let passedMs = 0;
      jest.spyOn(performance, 'now').mockImplementation(() => realNow() + passedMs);
      const ask = async (count: number): Promise<number[]> => {
        const statuses: number[] = [];
        for (let at = 0; at < count; at++) {
          passedMs += 1_100; // the shared answer has expired
          statuses.push((await request(gateway.url).get(path)).status);
        }
        return [...new Set(statuses)];
      };
      const linesBefore = gateway.log.lines.length;

      const before = await ask(3);
      store.fail('unavailable');
      const during = await ask(5);
      store.heal();
      const after = await ask(3);

      expect([before, during, after]).toEqual([[200], [503], [200]]);
      expect(gateway.log.lines.slice(linesBefore)).toEqual([
        expect.stringMatching(/^warn The health check found the store down: UNAVAILABLE\./),
        expect.stringMatching(/^log The health check found the store up again\./),
      ]);
    },
  );

  it('has one line for the broken streams of a model, not one for each', async () => {
    const provider = await new FakeProvider('sk-of-the-provider').start();
    const store = new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY: provider.key });
    const params = { api_key: 'os.environ/PROVIDER_KEY', api_base: `${provider.url}/v1` };
    const names = ['gpt', 'other'];
    const gateway = await startGateway(
      store,
      names.map((name) => modelEntry(name, 'openai/gpt', params)),
    );

    for (let at = 0; at < 10; at++) {
      provider.breakOff(OPENAI_BEGINNING);
      const content = { ...hello(names[at % 2] ?? ''), stream: true };
      const { text } = await gateway.post('/v1/chat/completions', content);
      expect(text).toContain('"error"');
    }
    await provider.stop();

    expect(gateway.log.warnings.sort()).toEqual(
      names.map((name): unknown =>
        expect.stringContaining(`A stream broke off: model "${name}": `),
      ),
    );
  });

  it('has no line for an invalid request', async () => {
    const gateway = await startGateway(new InMemorySecretManager({ MASTER_KEY }));

    for (let at = 0; at < 5; at++) await gateway.get('/v1/models', 'sk-nobody').expect(401);

    expect(gateway.log.warnings).toEqual([]);
  });
});

const NOT_DATE = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;
