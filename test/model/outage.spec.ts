import {
  CustomSecretManager,
  SecretManagerError,
  SecretsService,
  type SecretAnswer,
} from 'nestjs-custom-secret-manager';
import { compose } from '../../lib/policies/compose';
import { resolveOptions } from '../../lib/secret-manager.options';
import { VirtualTime, randomOf } from '../support/virtual-time';

const INSTANCES = 1_000;
const MINUTE_MS = 60_000;
const TTL_MS = MINUTE_MS;
const READ_EVERY_MS = 5_000;
const OUTAGE = { from: 4 * MINUTE_MS, to: 14 * MINUTE_MS };

/** One store for all instances, which records its calls with their times. */
class SharedStore {
  readonly asked: { readonly at: number; readonly instance: number }[] = [];
  readonly startedAt: number;

  constructor(readonly time: VirtualTime) {
    this.startedAt = time.now;
  }

  get elapsedMs(): number {
    return this.time.now - this.startedAt;
  }

  ask(instance: number): void {
    this.asked.push({ at: this.elapsedMs, instance });
    const isDown = this.elapsedMs >= OUTAGE.from && this.elapsedMs < OUTAGE.to;
    if (isDown) throw new SecretManagerError('UNAVAILABLE', 'the store is down');
  }
}

class InstanceManager extends CustomSecretManager {
  constructor(
    private readonly store: SharedStore,
    private readonly instance: number,
  ) {
    super('shared');
  }

  override async readSecret(): Promise<SecretAnswer> {
    this.store.ask(this.instance);
    return 'value';
  }
}

function startInstance(store: SharedStore, instance: number): Instance {
  const manager = new InstanceManager(store, instance);
  const options = resolveOptions({ cache: { ttlMs: TTL_MS } }, manager);
  const pipeline = compose(manager, options);
  const secrets = new SecretsService(pipeline, options, () => undefined);
  return { secrets, close: pipeline.close };
}

interface Instance {
  readonly secrets: SecretsService;
  readonly close: () => Promise<void>;
}

async function simulate(): Promise<{ store: SharedStore; failures: number }> {
  const time = new VirtualTime();
  time.install(randomOf(1));
  try {
    const store = new SharedStore(time);
    let failures = 0;
    const live = async (instance: number): Promise<void> => {
      const { secrets, close } = startInstance(store, instance);
      await time.sleep(Math.random() * TTL_MS); // they were deployed at different times
      while (store.elapsedMs < OUTAGE.to + MINUTE_MS) {
        await secrets.get('KEY').catch(() => (failures += 1));
        await time.sleep(Math.random() * 2 * READ_EVERY_MS);
      }
      await close();
    };
    const lives = Promise.all(Array.from({ length: INSTANCES }, (_, instance) => live(instance)));
    await time.advance(OUTAGE.to + 2 * MINUTE_MS);
    await lives;
    return { store, failures };
  } finally {
    time.uninstall();
  }
}

function perSecond(store: SharedStore, fromMs: number, toMs: number): number[] {
  const counts = new Array<number>((toMs - fromMs) / 1_000).fill(0);
  for (const { at } of store.asked) {
    const second = Math.floor((at - fromMs) / 1_000);
    if (second in counts) counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

beforeAll(() => {
  Error.stackTraceLimit = 0; // jest maps each frame of each error to its source, which takes longer than the test
});

describe('A thousand instances whose store is down for ten minutes', () => {
  it('spare the store, keep serving, and recover without a herd', async () => {
    const { store, failures } = await simulate();

    const during = store.asked.filter(({ at }) => at >= OUTAGE.from && at < OUTAGE.to);
    const attempts = new Array<number>(INSTANCES).fill(0);
    for (const { instance } of during) attempts[instance] = (attempts[instance] ?? 0) + 1;
    const steady = perSecond(store, 2 * MINUTE_MS, OUTAGE.from);
    const steadyMean = steady.reduce((sum, count) => sum + count, 0) / steady.length;
    const peak = Math.max(...perSecond(store, OUTAGE.to, OUTAGE.to + MINUTE_MS));
    process.stdout.write(
      `at most ${Math.max(...attempts)} attempts an instance; ${steadyMean.toFixed(1)} calls a second before, ${peak} at the peak after\n`,
    );

    expect(failures).toBe(0);
    expect(Math.max(...attempts)).toBeLessThanOrEqual(25);
    expect(peak).toBeLessThanOrEqual(3 * steadyMean);
  }, 120_000);
});
