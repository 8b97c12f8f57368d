import { CustomSecretManager, type SecretAnswer } from 'nestjs-custom-secret-manager';
import { Bus } from '../fleet/support/bus';
import { startInstance, type Instance } from '../fleet/support/instances';
import { VirtualTime, randomOf } from '../support/virtual-time';

const HOUR_MS = 3_600_000;

/** One store for all instances, which records the times of its calls. */
class SharedStore extends CustomSecretManager {
  readonly askedAt: number[] = [];
  value = 'old';

  constructor(private readonly time: VirtualTime) {
    super('shared');
  }

  override async readSecret(): Promise<SecretAnswer> {
    this.askedAt.push(this.time.now);
    return this.value;
  }
}

interface Fleet {
  readonly time: VirtualTime;
  readonly store: SharedStore;
  readonly bus: Bus;
  readonly instances: readonly Instance[];
}

interface Given {
  readonly instances: number;
  readonly names: readonly string[];
  readonly ttlMs: number;
  readonly spreadMs: number;
}

async function withFleet<Result>(
  { instances: count, names, ttlMs, spreadMs }: Given,
  run: (fleet: Fleet) => Promise<Result>,
): Promise<Result> {
  const time = new VirtualTime();
  time.install(randomOf(1));
  try {
    const store = new SharedStore(time);
    const bus = new Bus();
    const starting = Promise.all(
      Array.from({ length: count }, () =>
        startInstance(store, bus, { cache: { ttlMs }, fleet: { spreadMs } }),
      ),
    );
    await time.advance(10);
    const instances = await starting;
    for (const { pipeline } of instances) for (const name of names) pipeline.cache.pin(name);
    const reading = Promise.all(instances.map(({ secrets }) => secrets.getMany(names)));
    await time.advance(10);
    await reading;
    const result = await run({ time, store, bus, instances });
    const closing = Promise.all(instances.map((instance) => instance.close()));
    await time.advance(3_000);
    await closing;
    return result;
  } finally {
    time.uninstall();
  }
}

function peakSecond(times: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const at of times) {
    const second = Math.floor(at / 1_000);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

describe('A thousand instances of a fleet', () => {
  const given = { instances: 1_000, names: ['A', 'B', 'C'], ttlMs: 10 * HOUR_MS, spreadMs: 6_000 };

  it('send few heartbeats, and read again without a herd after a reconnect', async () => {
    await withFleet(given, async ({ time, store, bus, instances }) => {
      await time.advance(30_000);
      const deliveries = (bus.messages.length * instances.length) / 30;
      for (const { transport } of instances) transport.cut();
      store.value = 'new';
      await time.advance(20_000);
      store.askedAt.splice(0);

      for (const { transport } of instances) transport.reconnect();
      await time.advance(given.spreadMs + 1_000);

      const mean = (given.instances * given.names.length) / (given.spreadMs / 1_000);
      const peak = peakSecond(store.askedAt);
      process.stdout.write(
        `${Math.round(deliveries)} deliveries a second when idle; ${peak} reads in the peak second, ${mean} on average\n`,
      );
      expect(deliveries).toBeLessThan(5_000);
      expect(peak).toBeLessThanOrEqual(3 * mean);
      expect(store.askedAt.length).toBeLessThanOrEqual(1.1 * given.instances * given.names.length);
      for (const { secrets } of instances) expect(secrets.secret('A').reveal()).toBe('new');
    });
  }, 300_000);
});

describe('Instances of a fleet whose secret is changed elsewhere', () => {
  const given = { instances: 100, names: ['A'], ttlMs: 600_000, spreadMs: 2_000 };

  it('all serve it soon: the first of them finds it in about ttl / N, and announces it', async () => {
    const latencies = await withFleet(given, async ({ time, store, instances }) => {
      const measured: number[] = [];
      for (let change = 1; change <= 5; change++) {
        await time.advance(150_000);
        store.value = `value ${change}`;
        const changedAt = time.now;
        const isOld = ({ pipeline }: Instance): boolean =>
          pipeline.cache.cached('A')?.value !== store.value;
        while (instances.some(isOld)) await time.advance(500);
        measured.push(time.now - changedAt);
      }
      return measured;
    });

    process.stdout.write(`served by all after ${latencies.join(', ')} ms\n`);
    expect(Math.max(...latencies)).toBeLessThan(0.1 * given.ttlMs);
  }, 120_000);
});
