import {
  VaultSecretManager,
  type VaultAuth,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { LocalServer, type Received, type Reply } from '../../integration/support/local-server';
import { failureOf } from '../../support/failure-of';

const APPROLE: VaultAuth = { method: 'approle', roleId: 'role', secretId: 'secret' };
const WRAPPED: VaultAuth = { method: 'approle', roleId: 'role', wrappedSecretId: 's.wrapped' };
const DRIP_MS = 3_000;
const LEASE = { mount: 'database', kvVersion: 'none' };

const CONTENTS: readonly (readonly [RegExp, object])[] = [
  [/login$/, { auth: { client_token: 's.1', lease_duration: 60, renewable: true } }],
  [/renew-self$/, { auth: { client_token: 's.1', lease_duration: 60, renewable: true } }],
  [/unwrap$/, { data: { secret_id: 'secret' } }],
  [/creds/, { lease_id: 'l/1', lease_duration: 60, renewable: true, data: { value: 'v' } }],
  [/leases\/renew$/, { lease_duration: 60 }],
  [/sys\/health$/, { initialized: true, sealed: false }],
  [/ABSENT$/, { errors: [] }],
  [/./, { data: { data: { value: 'v' }, metadata: { version: 1 } } }],
];

describe('a server that sends a byte every 3 s', () => {
  let server: LocalServer;
  let manager: VaultSecretManager;
  let drips: RegExp | undefined;
  const stops = new Set<() => void>();

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    drips = undefined;
    server = await new LocalServer(reply).start();
    use(APPROLE);
  });

  afterEach(async () => {
    jest.useRealTimers();
    await manager.close();
    for (const stop of stops) stop();
    await server.stop();
  });

  function use(auth: VaultAuth): void {
    manager = new VaultSecretManager({ address: server.address, auth });
  }

  function reply({ path, line }: Received): Reply {
    if (path.includes('REDIRECTED') && server.count(/REDIRECTED/) === 1)
      return (response) =>
        void setTimeout(() => response.writeHead(307, { location: path }).end(), 6_000);
    const [, content = {}] = CONTENTS.find(([pattern]) => pattern.test(path)) ?? [];
    const status = path.includes('ABSENT') ? 404 : 200;
    if (drips?.test(line) !== true) return { status, content };
    return (response) => {
      response.writeHead(status);
      const timer = setInterval(() => response.write(' '), DRIP_MS);
      const stop = (): void => clearInterval(timer);
      stops.add(stop);
      response.on('close', stop);
    };
  }

  /** Advances the clock in small steps, so that bytes arrive in between. */
  async function pass(delayMs: number): Promise<void> {
    for (let passed = 0; passed < delayMs; passed += 500) {
      await jest.advanceTimersByTimeAsync(500);
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function endsWithin(limitMs: number, call: Promise<unknown>): Promise<unknown> {
    const failure = failureOf(call).then(({ code }) => code);
    await pass(limitMs);
    return await Promise.race([failure, new Promise((resolve) => setImmediate(resolve, 'hangs'))]);
  }

  it.each<[string, RegExp, VaultAuth, (manager: VaultSecretManager) => Promise<unknown>]>([
    ['a login', /login/, APPROLE, (manager) => manager.readSecret('KEY')],
    ['an unwrapping', /unwrap/, WRAPPED, (manager) => manager.readSecret('KEY')],
    ['a read', /KEY/, APPROLE, (manager) => manager.readSecret('KEY', { timeoutMs: 10_000 })],
    [
      'a write',
      /KEY/,
      APPROLE,
      (manager) => manager.writeSecret('KEY', 'v', { timeoutMs: 10_000 }),
    ],
    [
      'a look-up of the mount',
      /ui\/mounts/,
      APPROLE,
      (manager) => manager.readSecret('ABSENT', { timeoutMs: 10_000 }),
    ],
    [
      'the health of the server',
      /sys\/health/,
      APPROLE,
      (manager) => manager.checkHealth({ timeoutMs: 10_000 }),
    ],
    [
      'the health of the token',
      /lookup-self/,
      APPROLE,
      (manager) => manager.checkHealth({ timeoutMs: 10_000 }),
    ],
    [
      'a redirected request',
      /REDIRECTED/,
      APPROLE,
      (manager) => manager.readSecret('REDIRECTED', { timeoutMs: 10_000 }),
    ],
    [
      'a lease',
      /creds/,
      APPROLE,
      (manager) => manager.readSecret('creds/a', { params: LEASE, timeoutMs: 10_000 }),
    ],
  ])('ends %s with TIMEOUT after 10 s in total', async (_, pattern, auth, call) => {
    use(auth);
    drips = pattern;

    await expect(endsWithin(11_000, call(manager))).resolves.toBe('TIMEOUT');
  });

  it('leaves room for the next login', async () => {
    drips = /login/;
    await endsWithin(11_000, manager.readSecret('KEY'));
    drips = undefined;

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'v' });
  });

  it('does not prevent a later renewal of a token', async () => {
    await manager.readSecret('KEY');
    drips = /renew-self/;
    await pass(52_000); // the first renewal begins at 36 s or later, and takes 10 s
    drips = undefined;

    await pass(20_000);

    expect(server.count(/renew-self/)).toBeGreaterThan(1);
    expect(server.count(/login/)).toBe(1);
  });

  it('does not prevent a later read of a lease whose renewal timed out', async () => {
    await manager.readSecret('creds/a', { params: LEASE });
    drips = /leases\/renew/;
    const late = await endsWithin(11_000, manager.readSecret('creds/a', { params: LEASE }));
    drips = undefined;

    await expect(manager.readSecret('creds/a', { params: LEASE })).resolves.toMatchObject({
      value: 'v',
    });
    expect(late).toBe('TIMEOUT');
  });

  it('closes within 3 s', async () => {
    await manager.readSecret('creds/a', { params: LEASE });
    drips = /revoke/;
    let isClosed = false;
    void manager.close().then(() => (isClosed = true));

    await pass(3_500);

    expect(isClosed).toBe(true);
  });

  it('ends each of fifteen reads for ten connections', async () => {
    await manager.readSecret('KEY');
    drips = /KEY/;
    const reads = Array.from({ length: 15 }, () => manager.readSecret('KEY', { timeoutMs: 5_000 }));
    const ended = Promise.all(reads.map((read) => endsWithin(6_000, read)));

    await expect(ended).resolves.toEqual(Array(15).fill('TIMEOUT'));
  });
});
