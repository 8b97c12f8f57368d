import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { closeApplications, startWith } from '../../../support/application';
import { failureOf } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer, type FakeRequest } from '../../../support/fake-vault';

const CLUSTER = '2341f763-8bd4-ec3a-c9a9-5161c79f1028';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The storage index of each server, and the refusal of its lagging standby. */
const SERVERS = {
  OpenBao: {
    indexOf: (count: number) => base64(JSON.stringify({ cluster: CLUSTER, value: String(count) })),
    lagging: { status: 429, headers: { 'retry-after': '1' }, body: { errors: [] } },
  },
  'HashiCorp Vault': {
    indexOf: (count: number) => base64(`v1:${CLUSTER}:${count}:0:c2lnbmF0dXJl`),
    lagging: { status: 412, body: { errors: ['required index state not present'] } },
  },
  'another server': {
    indexOf: (count: number) => `opaque-${count}`,
    lagging: { status: 412, body: { errors: [] } },
  },
};

describe.each(Object.entries(SERVERS))('a standby of %s', (server, { indexOf, lagging }) => {
  let vault: FakeVault;
  let managers: VaultSecretManager[];
  let count: number;
  /** The number of reads with an index that meet a lagging standby. */
  let laggingReads: number;

  beforeEach(async () => {
    vault = await new FakeVault().start();
    managers = [];
    count = 41;
    laggingReads = 0;
    for (const path of ['/v1/secret/data/KEY', '/v1/secret/metadata/KEY', '/v1/kv1/KEY']) {
      vault.on(`GET ${path}`, (request) => read(request));
      vault.on(`POST ${path}`, write);
      vault.on(`DELETE ${path}`, () => ({ ...write(), status: 204, body: '' }));
    }
  });

  afterEach(async () => {
    await closeApplications();
    await Promise.all(managers.map((manager) => manager.close()));
    await vault.stop();
  });

  function write(): FakeAnswer {
    count += 1;
    return { headers: { 'x-vault-index': indexOf(count) }, body: { data: { version: count } } };
  }

  function read({ path, headers }: FakeRequest): FakeAnswer {
    if (headers['x-vault-index'] !== undefined && (laggingReads -= 1) >= 0) return lagging;
    const fields = { value: `as of ${count}` };
    const data = path.includes('kv1') ? fields : { data: fields, metadata: { version: count } };
    return { body: { data } };
  }

  function managerWith(options: Partial<VaultSecretManagerOptions> = {}): VaultSecretManager {
    const auth = { method: 'token', token: 's.x' } as const;
    const manager = new VaultSecretManager({ address: vault.address, auth, ...options });
    managers.push(manager);
    return manager;
  }

  const required = (): (string | string[] | undefined)[] =>
    vault.requests
      .filter(({ method, path }) => method === 'GET' && path.endsWith('/KEY'))
      .map(({ headers }) => headers['x-vault-index']);

  it('gets no required state before a write', async () => {
    await managerWith().readSecret('KEY');

    expect(required()).toEqual([undefined]);
  });

  it.each<[string, Partial<VaultSecretManagerOptions>, (manager: VaultSecretManager) => unknown]>([
    ['write', {}, (manager) => manager.writeSecret('KEY', 'v')],
    ['deletion', {}, (manager) => manager.deleteSecret('KEY')],
    [
      'deletion of everything',
      {},
      (manager) => manager.deleteSecret('KEY', { recoveryWindowInDays: 0 }),
    ],
    ['write', { mount: 'kv1', kvVersion: 1 }, (manager) => manager.writeSecret('KEY', 'v')],
    ['deletion', { mount: 'kv1', kvVersion: 1 }, (manager) => manager.deleteSecret('KEY')],
    ['write', { mount: 'kv1', kvVersion: 'none' }, (manager) => manager.writeSecret('KEY', 'v')],
  ])('must have the state of an earlier %s with %j', async (_, options, change) => {
    const manager = managerWith(options);
    await change(manager);
    vault.requests.length = 0;

    await manager.readSecret('KEY');
    await manager.readSecrets(['KEY', 'OTHER']);

    expect(required()).toEqual([indexOf(count), indexOf(count)]);
  });

  it('must have the state of a written description', async () => {
    const manager = managerWith();
    await manager.writeSecret('KEY', 'v', { description: 'd' });
    vault.requests.length = 0;

    await manager.describeSecret('KEY');

    expect(required()).toEqual([indexOf(43)]);
  });

  it('must have the state of the newest of many writes, without a growing list', async () => {
    const manager = managerWith();
    for (let round = 0; round < 20; round++) await manager.writeSecret('KEY', 'v');
    vault.requests.length = 0;

    await manager.readSecret('KEY');

    expect(required()).toEqual([indexOf(61)]);
  });

  it('is asked again soon while it lags', async () => {
    const manager = managerWith();
    await manager.writeSecret('KEY', 'v');
    laggingReads = 3;
    const startedAt = performance.now();

    const reading = await manager.readSecret('KEY');

    expect(reading?.value).toBe('as of 42');
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  it.each<[string, (manager: VaultSecretManager) => Promise<unknown>]>([
    ['DELETE', (manager) => manager.deleteSecret('KEY')],
    ['POST', (manager) => manager.writeSecret('KEY', 'w', { createOnly: true })],
  ])(
    'must have that state for a %s, too, which is retried while it lags',
    async (method, change) => {
      const manager = managerWith();
      await manager.writeSecret('KEY', 'v');
      const states: (string | string[] | undefined)[] = [];
      vault.on(`${method} /v1/secret/data/KEY`, ({ headers }) => {
        states.push(headers['x-vault-index']);
        return states.length === 1 ? lagging : write();
      });

      await change(manager);

      expect(states).toEqual([indexOf(42), indexOf(42)]);
    },
  );

  it('is UNAVAILABLE, and not throttled, if it lags for long', async () => {
    const manager = managerWith();
    await manager.writeSecret('KEY', 'v');
    laggingReads = Infinity;

    const failure = await failureOf(manager.readSecret('KEY', { timeoutMs: 10_000 }));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect([failure.retryAfterMs, failure.message]).toEqual([
      undefined,
      expect.stringContaining('has not caught up'),
    ]);
  });

  it('is asked no longer than the call lasts', async () => {
    const manager = managerWith();
    await manager.writeSecret('KEY', 'v');
    laggingReads = Infinity;
    const controller = new AbortController();

    const failing = failureOf(manager.readSecret('KEY', { signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);

    expect((await failing).code).toBe('CANCELLED');
  });

  it('need not have the state of a write in another namespace', async () => {
    const manager = managerWith({ namespace: '/team/' });
    await manager.writeSecret('KEY', 'v');
    vault.requests.length = 0;

    await manager.readSecret('KEY', { params: { namespace: 'other' } });
    await manager.readSecret('KEY', { params: { namespace: 'team' } });

    expect(required()).toEqual([undefined, indexOf(42)]);
  });

  it('must have the states of at most a hundred namespaces', async () => {
    const manager = managerWith();
    for (let at = 0; at <= 100; at++) {
      await manager.writeSecret('KEY', 'v', { params: { namespace: `team-${at}` } });
    }
    vault.requests.length = 0;

    await manager.readSecret('KEY', { params: { namespace: 'team-0' } });
    await manager.readSecret('KEY', { params: { namespace: 'team-100' } });

    expect(required()).toEqual([undefined, indexOf(142)]);
  });

  it('serves a rotation that verifies at once', async () => {
    let value = 'old';
    let before = 'old';
    vault.on('POST /v1/secret/data/KEY', ({ content }) => {
      before = value;
      value = (content as { data: { value: string } }).data.value;
      return write();
    });
    vault.on('GET /v1/secret/data/KEY', ({ headers }) => {
      const isBehind = headers['x-vault-index'] === undefined;
      const data = { value: isBehind ? before : value };
      return { body: { data: { data, metadata: { version: count } } } };
    });
    const { secrets } = await startWith(managerWith(), {
      settings: { accessMode: 'read_and_write' },
    });

    await secrets.rotate('KEY', { value: 'new' });

    await expect(secrets.get('KEY', { maxAgeMs: 0 })).resolves.toBe('new');
  });

  it('gets no required state a minute after the write', async () => {
    const manager = managerWith();
    await manager.writeSecret('KEY', 'v');
    vault.requests.length = 0;
    const clock = jest.spyOn(performance, 'now');
    const later = performance.now() + 61_000;
    clock.mockImplementation(() => later);

    try {
      await manager.readSecret('KEY');
    } finally {
      clock.mockRestore();
    }

    expect(required()).toEqual([undefined]);
  });

  it('of another kind, without states, gets none', async () => {
    const manager = managerWith();
    await manager.writeSecret('KEY', 'v');
    vault.on('GET /v1/secret/data/KEY', (request) =>
      request.headers['x-vault-index'] === undefined
        ? read(request)
        : { status: 400, body: { errors: ['failed to decode "X-Vault-Index"'] } },
    );

    const readings = [await manager.readSecret('KEY'), await manager.readSecret('KEY')];

    expect(readings.map((reading) => reading?.value)).toEqual(['as of 42', 'as of 42']);
    expect(required()).toEqual([indexOf(42), undefined, undefined]);
  });

  it('is asked to forward a request if the server can', async () => {
    const manager = managerWith();
    await manager.writeSecret('KEY', 'v');
    await manager.readSecret('KEY');

    expect(vault.requests.at(-1)?.headers['x-vault-inconsistent']).toBe(
      server === 'OpenBao' ? 'forward-active-node' : undefined,
    );
  });
});

describe.each(Object.entries(SERVERS).slice(0, 2))('the state of %s', (_, { indexOf }) => {
  it('is the newer one, in whichever order two writes are answered', async () => {
    const vault = await new FakeVault().start();
    vault.keep('C', { value: 'v' });
    const written = (count: number): FakeAnswer => ({
      headers: { 'x-vault-index': indexOf(count) },
      body: { data: { version: 1 } },
    });
    vault.on('POST /v1/secret/data/A', written(100));
    vault.on('POST /v1/secret/data/B', written(99));
    const manager = new VaultSecretManager({
      address: vault.address,
      auth: { method: 'token', token: 's.x' },
    });

    await manager.writeSecret('A', 'v');
    await manager.writeSecret('B', 'v');
    await manager.readSecret('C');
    await manager.close();
    await vault.stop();

    expect(vault.requests.at(-1)?.headers['x-vault-index']).toBe(indexOf(100));
  });
});
