import { FakeProvider } from '../support/fake-provider';
import { ECHO, hello, modelEntry, modelsFile } from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';
import { startNats, startPostgresBroker, startValkeyBroker, type Broker } from './support/brokers';
import { eventually } from './support/eventually';
import { openbaoStore, type GatewayStore } from './support/gateway-stores';
import { SampleProcess } from './support/sample-process';

const MASTER_KEY = 'sk-canary-of-the-master-key-5e0b';
const FLEET_KEY = 'a-key-that-all-instances-share';

interface StatusBody {
  readonly fleet: { readonly state: string; readonly received: number };
}

const BROKERS: readonly [string, () => Promise<readonly [Broker, string]>][] = [
  [
    'NATS',
    async () => {
      const broker = await startNats();
      return [broker, `nats://127.0.0.1:${broker.port}`];
    },
  ],
  [
    'Valkey',
    async () => {
      const broker = await startValkeyBroker();
      return [broker, `redis://127.0.0.1:${broker.port}`];
    },
  ],
  [
    'PostgreSQL',
    async () => {
      const broker = await startPostgresBroker();
      const { user, password } = broker.login;
      return [broker, `postgres://${user}:${password}@127.0.0.1:${broker.port}/postgres`];
    },
  ],
];

describe.each(BROKERS)('two gateways over %s', (_, startBroker) => {
  let store: GatewayStore;
  let broker: Broker;
  let provider: FakeProvider;
  let gateways: SampleProcess[];

  beforeAll(async () => {
    store = await openbaoStore();
    provider = await new FakeProvider('sk-the-first-key').start();
    await store.put('MASTER_KEY', MASTER_KEY);
    await store.put('PROVIDER_KEY', provider.key);
    const [started, FLEET] = await startBroker();
    broker = started;
    const MODELS_FILE = modelsFile([
      ECHO,
      modelEntry('gpt', 'openai/gpt', {
        api_key: 'os.environ/PROVIDER_KEY',
        api_base: `${provider.url}/v1`,
      }),
    ]);
    const environment = { ...store.environment, MODELS_FILE, FLEET, FLEET_KEY };
    gateways = [new SampleProcess(environment), new SampleProcess(environment)];
    await Promise.all(gateways.map((gateway) => gateway.listens()));
  }, 60_000);

  afterAll(async () => {
    for (const gateway of gateways) gateway.kill('SIGTERM');
    await Promise.all(gateways.map((gateway) => gateway.ends()));
    await provider.stop();
    await broker.stop();
    await store.stop();
    removeTemporaryFolders();
  });

  const status = async (gateway: SampleProcess): Promise<StatusBody['fleet']> =>
    ((await (await gateway.request('/status')).json()) as StatusBody).fleet;

  it('are connected, as their status shows', async () => {
    for (const gateway of gateways) {
      await eventually('the gateway is connected', async () => {
        expect(await status(gateway)).toMatchObject({ state: 'connected' });
        return true;
      });
    }
  });

  it('refuse a key within 100 ms of its deletion on the other one', async () => {
    const [one, other] = gateways as [SampleProcess, SampleProcess];
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const key = await one.generate(MASTER_KEY);
      const ask = async (): Promise<number> =>
        (await other.request('/v1/chat/completions', 'POST', hello('echo'), key)).status;
      expect(await ask()).toBe(200);

      await one.request('/key/delete', 'POST', { keys: [key] }, MASTER_KEY);
      const deletedAt = performance.now();
      while ((await ask()) !== 401) {
        if (performance.now() - deletedAt > 5_000) throw new Error('the key still works');
      }
      times.push(performance.now() - deletedAt);
    }
    times.sort((a, b) => a - b);
    console.log(`refused after ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    expect(times[2]).toBeLessThan(100);
  });

  it('use a provider key that was rotated on one of them', async () => {
    const [one, other] = gateways as [SampleProcess, SampleProcess];
    const key = await one.generate(MASTER_KEY);
    const ask = async (gateway: SampleProcess): Promise<number> =>
      (await gateway.request('/v1/chat/completions', 'POST', hello('gpt'), key)).status;
    expect(await ask(other)).toBe(200);

    provider.key = 'sk-the-second-key';
    await store.put('PROVIDER_KEY', provider.key);
    expect(await ask(one)).toBe(200); // rejected, read again, and announced

    await eventually(
      'the other one has heard of it',
      async () => (await status(other)).received > 0,
    );
    expect(await ask(other)).toBe(200);
  });
});

describe('a gateway with a wrong FLEET', () => {
  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    [
      'an unknown broker',
      { FLEET: 'kafka://user:canary@127.0.0.1', FLEET_KEY },
      /FLEET must begin with nats/,
    ],
    ['no key', { FLEET: 'redis://127.0.0.1' }, /FLEET needs FLEET_KEY/],
    ['a short key', { FLEET: 'redis://127.0.0.1', FLEET_KEY: 'short' }, /16 bytes/],
  ])('of %s does not start', async (_, environment, message) => {
    const store = await openbaoStore();
    await store.put('MASTER_KEY', MASTER_KEY);
    const gateway = new SampleProcess({
      ...store.environment,
      MODELS_FILE: modelsFile([ECHO]),
      ...environment,
    });

    expect(await gateway.ends()).toBe(1);
    expect(gateway.output).toMatch(message);
    expect(gateway.output).not.toContain('canary');
    await store.stop();
  });
});
