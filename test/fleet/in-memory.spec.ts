import {
  SecretManagerModule,
  SecretsService,
  VirtualKeysService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import {
  InMemoryBus,
  InMemorySecretManager,
  InMemoryTransport,
} from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';

const KEY = 'a key of more than 16 bytes';

describe('Applications in one process that share a bus', () => {
  let bus: InMemoryBus;
  let store: InMemorySecretManager;

  beforeEach(() => {
    bus = new InMemoryBus();
    store = new InMemorySecretManager({ A: 'old', B: 'old', C: 'old' });
  });

  afterEach(closeApplications);

  async function start(fleet: Partial<SecretManagerModuleOptions['fleet']> = {}) {
    const transport = new InMemoryTransport(bus);
    const root = SecretManagerModule.forRoot({
      manager: { useValue: store },
      environment: {},
      settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
      cache: { ttlMs: 3_600_000 },
      fleet: { transport, key: KEY, spreadMs: 0, ...fleet },
    });
    const app = await startApplication({ imports: [root] });
    return {
      transport,
      secrets: app.get(SecretsService),
      keys: app.get(VirtualKeysService),
    };
  }

  type Instance = Awaited<ReturnType<typeof start>>;

  /** Resolves to the time after which every instance serves the value, in milliseconds. */
  async function untilServed(
    instances: readonly Instance[],
    name: string,
    value: string,
  ): Promise<number> {
    const startedAt = performance.now();
    for (const { secrets } of instances) {
      while ((await secrets.get(name)) !== value) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    return performance.now() - startedAt;
  }

  it('all serve a value that one of them has written', async () => {
    const instances = await Promise.all([start(), start(), start(), start()]);
    const [writer] = instances;
    for (const { secrets } of instances) await secrets.getMany(['A', 'B', 'C']);

    for (const name of ['A', 'B', 'C']) {
      await writer.secrets.set(name, `value of ${name}`);
      expect(await untilServed(instances, name, `value of ${name}`)).toBeLessThan(500);
    }

    expect(writer.secrets.fleet).toMatchObject({ state: 'connected', pending: 0, published: 3 });
  });

  it('refuse a virtual key that one of them has deleted', async () => {
    const [one, other] = [await start(), await start()];
    const { value } = await one.keys.create({ id: 'k' });
    expect(await other.keys.verify({ id: 'k' }, value)).toBe(true);

    await one.keys.delete([{ id: 'k' }]);
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(await other.keys.verify({ id: 'k' }, value)).toBe(false);
  });

  it('lose no change while messages are dropped, delayed and cut at random', async () => {
    const instances = await Promise.all([start(), start(), start()]);
    for (const { secrets } of instances) await secrets.getMany(['A', 'B', 'C']);

    for (let round = 0; round < 30; round++) {
      const victim = instances[round % 3];
      const writer = instances[(round + 1) % 3];
      if (round % 4 === 0) victim?.transport.drop(1);
      if (round % 4 === 1) victim?.transport.delay(20);
      if (round % 4 === 2) victim?.transport.cut();
      await writer?.secrets.set('ABC'[round % 3] ?? 'A', `value ${round}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
      victim?.transport.delay(0);
      victim?.transport.restore();
    }
    await instances[0]?.secrets.set('A', 'last of A'); // shows what was dropped last
    await instances[1]?.secrets.set('B', 'last of B');
    await instances[2]?.secrets.set('C', 'last of C');

    await untilServed(instances, 'A', 'last of A');
    await untilServed(instances, 'B', 'last of B');
    expect(await untilServed(instances, 'C', 'last of C')).toBeLessThan(5_000);
  }, 30_000);

  it('write without a delay while they are cut off, and announce it at the reconnect', async () => {
    const [one, other] = [await start(), await start()];
    await other.secrets.get('A');
    one.transport.cut();

    const { announced } = await one.secrets.set('A', 'new');
    expect(announced).toBe(false);
    expect(await other.secrets.get('A')).toBe('old');
    one.transport.restore();

    expect(await untilServed([one, other], 'A', 'new')).toBeLessThan(2_000);
    expect(one.secrets.fleet).toMatchObject({ state: 'connected', pending: 0 });
  });

  it('notice a silent cut, and hear each other again after it', async () => {
    const [one, other] = [
      await start({ disconnectedTtlMs: 600 }),
      await start({ disconnectedTtlMs: 600 }),
    ];
    await one.secrets.get('A');
    one.transport.cut({ silent: true });
    await other.secrets.set('A', 'new');

    expect(await untilServed([one], 'A', 'new')).toBeLessThan(1_000);
    expect(one.secrets.fleet.state).toBe('cut');
    one.transport.restore();
    while (one.secrets.fleet.state === 'cut') {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await other.secrets.set('A', 'newer');

    expect(await untilServed([one], 'A', 'newer')).toBeLessThan(2_000);
  }, 60_000);
});
