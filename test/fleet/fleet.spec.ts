import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { VirtualTime, randomOf } from '../support/virtual-time';
import { Bus } from './support/bus';
import { startInstance, type Instance } from './support/instances';

type Options = Parameters<typeof startInstance>[2];

const OTHER_KEY = 'another key of enough bytes';

describe('A fleet of instances', () => {
  const time = new VirtualTime();
  let bus: Bus;
  let store: InMemorySecretManager;
  const instances: Instance[] = [];

  beforeEach(() => {
    time.install(randomOf(1));
    bus = new Bus();
    store = new InMemorySecretManager({ KEY: 'old', OTHER: 'other' });
  });

  afterEach(async () => {
    await Promise.all(instances.splice(0).map((instance) => closed(instance)));
    time.uninstall();
  });

  async function closed(instance: Instance): Promise<void> {
    const closing = instance.close();
    await time.advance(3_000);
    await closing;
  }

  async function start(options?: Options): Promise<Instance> {
    const starting = startInstance(store, bus, options);
    await time.advance(10);
    const instance = await starting;
    instances.push(instance);
    return instance;
  }

  async function startTwo(options?: Options): Promise<[Instance, Instance]> {
    return [await start(options), await start(options)];
  }

  const reads = (): number =>
    store.calls.filter(({ operation }) => operation === 'readSecret').length;

  it('serves a value that another instance has written', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');

    const metadata = await writer.secrets.set('KEY', 'new');
    await time.advance(1);

    expect(await reader.secrets.get('KEY')).toBe('new');
    expect(metadata.announced).toBeUndefined();
    expect(writer.secrets.fleet).toMatchObject({ state: 'connected', published: 1, pending: 0 });
    expect(reader.secrets.fleet).toMatchObject({ received: 1, refused: 0 });
  });

  it('reads a pinned secret again at once, and tells its listeners that the fleet was the cause', async () => {
    const [writer, reader] = await startTwo();
    const changes: unknown[] = [];
    await reader.secrets.get('KEY');
    reader.secrets
      .secret('KEY')
      .onChange(({ source, version }) => void changes.push([source, version]));

    await writer.secrets.set('KEY', 'new');
    await time.advance(5);

    expect(changes).toEqual([['fleet', '3']]);
    expect(reader.secrets.secret('KEY').reveal()).toBe('new');
  });

  it('reads each name once a change', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    const before = reads();

    await writer.secrets.set('KEY', 'new');
    await time.advance(5);
    await Promise.all([reader.secrets.get('KEY'), reader.secrets.get('KEY')]);
    await reader.secrets.get('KEY');

    expect(reads() - before).toBe(1);
  });

  it('does nothing for a version that an instance has already', async () => {
    const [one, other] = await startTwo();
    await one.secrets.get('KEY');
    await other.secrets.get('KEY');
    store.rotate('KEY', 'new');
    await one.secrets.refresh('KEY');
    await other.secrets.refresh('KEY');
    const before = reads();
    await time.advance(5);

    await one.secrets.get('KEY');
    await other.secrets.get('KEY');

    expect(reads() - before).toBe(0);
  });

  it('announces what a refresh has found, once', async () => {
    const [one, other] = await startTwo();
    const third = await start();
    for (const instance of [one, other, third]) await instance.secrets.get('KEY');
    store.rotate('KEY', 'new');

    await one.secrets.refresh('KEY');
    await time.advance(1);

    expect(await other.secrets.get('KEY')).toBe('new');
    expect(await third.secrets.get('KEY')).toBe('new');
    await time.advance(10);
    expect(bus.messages).toHaveLength(1);
  });

  it('does not announce a lease, which belongs to one instance', async () => {
    const one = await start();
    jest.spyOn(store, 'readSecret').mockImplementation(async () => ({
      value: String(Math.random()),
      validForMs: 60_000,
    }));
    await one.secrets.get('LEASED');

    await one.secrets.refresh('LEASED');
    await time.advance(1);

    expect(bus.messages).toEqual([]);
  });

  it('expires a changed secret softly: an outage does not lose it', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    await writer.secrets.set('KEY', 'new');
    await time.advance(1);

    store.fail('unavailable');
    const value = reader.secrets.get('KEY');
    await time.advance(10_000);

    expect(await value).toBe('old');
  });

  it('drops a revoked secret at once, even in an outage', async () => {
    const [one, other] = await startTwo();
    await other.secrets.get('KEY');
    one.secrets.invalidate('KEY', { everywhere: true });
    await time.advance(1);

    store.fail('denied');

    await expect(other.secrets.get('KEY')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(other.secrets.inspect()).toEqual([]);
  });

  it('reads again what another instance has invalidated', async () => {
    const [one, other] = await startTwo();
    await other.secrets.get('KEY');
    store.rotate('KEY', 'new');

    one.secrets.invalidate('KEY');
    await time.advance(1);

    expect(await other.secrets.get('KEY')).toBe('new');
  });

  it('expires what a webhook announces, here and everywhere', async () => {
    const [one, other] = await startTwo();
    await one.secrets.get('KEY');
    await other.secrets.get('KEY');
    store.rotate('KEY', 'new');

    one.secrets.announce(['os.environ/KEY', 'OTHER']);
    await time.advance(1);

    expect(await one.secrets.get('KEY')).toBe('new');
    expect(await other.secrets.get('KEY')).toBe('new');
    expect(() => one.secrets.announce(['../x'])).toThrow('The secret name "../x"');
    expect(() => one.secrets.announce('KEY' as never)).toThrow('takes a list of names');
    expect(() => one.secrets.invalidate('KEY', true as never)).toThrow(
      'The options of invalidate() must be an object, and are a boolean.',
    );
  });

  it('reads a primary secret again if one of its keys is announced', async () => {
    store.rotate('ALL', JSON.stringify({ KEY: 'old' }));
    const settings = { primarySecretName: 'ALL' };
    const [one, other] = await startTwo({ settings });
    expect(await other.secrets.get('KEY')).toBe('old');
    store.rotate('ALL', JSON.stringify({ KEY: 'new' }));

    one.secrets.announce(['KEY']);
    await time.advance(1);

    expect(await other.secrets.get('KEY')).toBe('new');
  });

  it('announces a write whose outcome is unknown', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    const write = store.writeSecret.bind(store);
    jest.spyOn(store, 'writeSecret').mockImplementation(async (...given) => {
      await write(...given);
      throw new Error('the answer was lost');
    });

    await expect(writer.secrets.set('KEY', 'new')).rejects.toMatchObject({ code: 'UNKNOWN' });
    await time.advance(1);

    expect(await reader.secrets.get('KEY')).toBe('new');
  });

  it('does not announce a creation that the store refused, because nothing was written', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    const before = reads();

    const creating = writer.secrets.set('KEY', 'new', { createOnly: true });
    await expect(creating).rejects.toMatchObject({ code: 'CONFLICT' });
    await time.advance(1);
    await reader.secrets.get('KEY');

    expect(bus.messages).toEqual([]);
    expect(reads() - before).toBe(0);
  });

  it('announces a write of a name that this instance does not host', async () => {
    const reader = await start();
    const writer = await start({ settings: { accessMode: 'write_only' } });
    await reader.secrets.get('KEY');

    await writer.secrets.set('KEY', 'new');
    await time.advance(1);

    expect(await reader.secrets.get('KEY')).toBe('new');
  });

  it('reads the versions and tenants of a changed secret again, too', async () => {
    const [writer, reader] = await startTwo();
    const params = { tenant: 'a' };
    await reader.secrets.get('KEY', { params });

    await writer.secrets.set('KEY', 'new');
    await time.advance(1);

    expect(await reader.secrets.get('KEY', { params })).toBe('new');
  });

  it('keeps a read in flight from bringing the old value back', async () => {
    const [writer, reader] = await startTwo();
    let answer = (_: string): void => undefined;
    jest
      .spyOn(store, 'readSecret')
      .mockImplementationOnce(
        () => new Promise((resolve) => (answer = (value) => resolve({ value, version: '1' }))),
      );
    const inFlight = reader.secrets.get('KEY');
    await time.advance(1);
    await writer.secrets.set('KEY', 'new');
    await time.advance(1);

    answer('old');

    expect(await inFlight).toBe('old');
    expect(await reader.secrets.get('KEY')).toBe('new');
  });

  it('refuses a virtual key that another instance has deleted', async () => {
    const [one, other] = await startTwo();
    const { value } = await one.virtualKeys.create({ id: 'k1' });
    expect(await other.virtualKeys.verify({ id: 'k1' }, value)).toBe(true);

    await one.virtualKeys.delete([{ id: 'k1' }]);
    await time.advance(1);

    expect(await other.virtualKeys.verify({ id: 'k1' }, value)).toBe(false);
  });

  it('refuses a virtual key that another instance has rotated or renamed', async () => {
    const [one, other] = await startTwo();
    const { value } = await one.virtualKeys.create({ id: 'k1', alias: 'a' });
    await other.virtualKeys.verify({ id: 'k1', alias: 'a' }, value);

    const rotated = await one.virtualKeys.rotate({ id: 'k1', alias: 'a' });
    await time.advance(1);
    expect(await other.virtualKeys.verify({ id: 'k1', alias: 'a' }, value)).toBe(false);
    expect(await other.virtualKeys.verify({ id: 'k1', alias: 'a' }, rotated.value)).toBe(true);

    await one.virtualKeys.rename({ id: 'k1', alias: 'a' }, { alias: 'b' });
    await time.advance(1);
    expect(await other.virtualKeys.verify({ id: 'k1', alias: 'a' }, rotated.value)).toBe(false);
    expect(await other.virtualKeys.verify({ id: 'k1', alias: 'b' }, rotated.value)).toBe(true);
  });

  it('reads at a random instant within the spread', async () => {
    const [writer, reader] = await startTwo({ fleet: { spreadMs: 2_000 } });
    await reader.secrets.get('KEY');
    await writer.secrets.set('KEY', 'new');

    await time.advance(2_100);

    expect(await reader.secrets.get('KEY')).toBe('new');
  });

  it('reads a name at most once a second because of messages, and misses no change', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    reader.secrets.secret('KEY').onChange(() => undefined);
    const before = reads();

    for (let change = 0; change < 20; change++) {
      await writer.secrets.set('KEY', `value ${change}`);
      await time.advance(100);
    }
    await time.advance(1_100);

    expect(reads() - before).toBeLessThanOrEqual(4);
    expect(reader.secrets.secret('KEY').reveal()).toBe('value 19');
  });

  it('reads again from a replica that lags', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    const real = store.readSecret.bind(store);
    const before = await real('KEY');
    await writer.secrets.set('KEY', 'new');
    await time.advance(1);
    let lagging = 2;
    jest
      .spyOn(store, 'readSecret')
      .mockImplementation((name) => (lagging-- > 0 ? Promise.resolve(before) : real(name)));

    const value = reader.secrets.get('KEY');
    await time.advance(700);

    expect(await value).toBe('new');
  });

  it('finds a lost message by the next one, and by the next heartbeat', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    await writer.secrets.set('OTHER', '1');
    await time.advance(1);
    reader.transport.drop(1);
    await writer.secrets.set('KEY', 'lost');
    await time.advance(1);
    expect(await reader.secrets.get('KEY')).toBe('old');

    await writer.secrets.set('OTHER', '2');
    await time.advance(1_001);
    expect(await reader.secrets.get('KEY')).toBe('lost');

    reader.transport.drop(1);
    await writer.secrets.set('KEY', 'lost, too');
    await time.advance(10_002);
    expect(await reader.secrets.get('KEY')).toBe('lost, too');
  });

  it('finds the lost first message of an instance', async () => {
    const [writer, reader] = await startTwo();
    await reader.secrets.get('KEY');
    await time.advance(5_000);
    reader.transport.drop(1);
    await writer.secrets.set('KEY', 'lost');

    await time.advance(10_002);

    expect(await reader.secrets.get('KEY')).toBe('lost');
  });

  it('reads everything again after a cut, and announces then what it wrote meanwhile', async () => {
    const [one, other] = await startTwo();
    await one.secrets.get('KEY');
    await other.secrets.get('OTHER');
    one.transport.cut();
    expect(one.secrets.fleet.state).toBe('cut');
    await other.secrets.set('KEY', 'written elsewhere');
    const metadata = await one.secrets.set('OTHER', 'written here');
    expect(metadata.announced).toBe(false);
    expect(one.secrets.fleet.pending).toBe(1);
    expect(await one.secrets.get('KEY')).toBe('old');

    one.transport.reconnect();
    await time.advance(1);

    expect(await one.secrets.get('KEY')).toBe('written elsewhere');
    expect(await other.secrets.get('OTHER')).toBe('written here');
    expect(one.secrets.fleet).toMatchObject({ state: 'connected', pending: 0 });
    expect(one.warnings).toHaveLength(2);
  });

  it('serves nothing past disconnectedTtlMs while it is cut off', async () => {
    const one = await start({ fleet: { disconnectedTtlMs: 30_000 }, cache: { ttlMs: 3_600_000 } });
    await one.secrets.refresh();
    one.transport.cut();
    await one.secrets.get('KEY');
    store.rotate('KEY', 'new');

    await time.advance(29_000);
    expect(await one.secrets.get('KEY')).toBe('old');
    await time.advance(1_100);
    expect(await one.secrets.get('KEY')).toBe('new');
  });

  it('notices a silent cut, and subscribes again', async () => {
    const [one, other] = await startTwo({ fleet: { disconnectedTtlMs: 30_000 } });
    await one.secrets.get('KEY');
    one.transport.freeze();
    await time.advance(100);
    await other.secrets.set('KEY', 'new');

    await time.advance(30_000);
    expect(one.secrets.fleet.state).toBe('cut');
    one.transport.freeze(false);
    await time.advance(62_000);

    expect(one.secrets.fleet.state).toBe('connected');
    expect(await one.secrets.get('KEY')).toBe('new');
    expect(one.transport.subscriptions).toBeGreaterThan(1);
  });

  it('stays connected alone: its own messages are a sign of life', async () => {
    const one = await start();

    await time.advance(300_000);

    expect(one.secrets.fleet).toMatchObject({ state: 'connected', received: 0, refused: 0 });
  });

  it('starts as cut if the broker does not answer', async () => {
    const transport = bus.transport();
    transport.freeze();
    const starting = startInstance(store, bus, { transport });
    await time.advance(2_001);
    const one = await starting;
    instances.push(one);

    expect(one.secrets.fleet.state).toBe('cut');
    expect(await one.secrets.get('KEY')).toBe('old');
    expect(one.warnings).toHaveLength(1);
    transport.freeze(false);
    await time.advance(60_000);
    expect(one.secrets.fleet.state).toBe('connected');
  });

  it('drops messages of another key and of another fleet, and goes on', async () => {
    const one = await start();
    const stranger = await start({ fleet: { key: OTHER_KEY } });
    const foreign = await start({ fleet: { id: 'another' } });
    await one.secrets.get('KEY');

    await stranger.secrets.set('KEY', 'new');
    await foreign.secrets.set('KEY', 'new');
    await time.advance(1);

    expect(await one.secrets.get('KEY')).toBe('old');
    expect(one.secrets.fleet).toMatchObject({ received: 0, refused: 2 });
  });

  it('goes on while the key is rotated instance by instance', async () => {
    let [first, second] = ['a first key of 16 bytes', 'a first key of 16 bytes'];
    const one = await start({ fleet: { key: () => first } });
    const other = await start({ fleet: { key: () => second } });
    await other.secrets.get('KEY');
    await time.advance(2_000);

    first = OTHER_KEY;
    await one.secrets.set('KEY', 'under both keys');
    await time.advance(1);
    expect(await other.secrets.get('KEY')).toBe('under both keys');
    await time.advance(1_100);

    second = OTHER_KEY;
    await time.advance(301_000);
    await other.secrets.get('KEY');
    await one.secrets.set('KEY', 'under the new key');
    await time.advance(1);
    expect(await other.secrets.get('KEY')).toBe('under the new key');
  });

  it('holds neither a name nor a value on the wire', async () => {
    const one = await start();
    await one.secrets.set('A_TELLING_NAME', 'a telling value');
    await time.advance(1);

    expect(bus.messages).toHaveLength(1);
    expect(Buffer.concat(bus.messages).toString('latin1')).not.toMatch(/TELLING|telling/);
  });

  it('delivers thousands of names at once, in several messages', async () => {
    const [one, other] = await startTwo();
    const names = Array.from({ length: 1_000 }, (_, index) => `NAME_${index}`);
    for (const name of names) store.rotate(name, 'old');
    await other.secrets.getMany(names);
    for (const name of names) store.rotate(name, 'new');

    one.secrets.announce(names);
    await time.advance(50);

    const values = [...(await other.secrets.getMany(names)).values()];
    expect(values.every((outcome) => 'value' in outcome && outcome.value === 'new')).toBe(true);
    expect(bus.messages).toHaveLength(8);
    expect(Math.max(...bus.messages.map(({ length }) => length))).toBeLessThanOrEqual(4_096);
  });

  it('takes note of an own message that its transport delivers before publish() returns', async () => {
    const one = await start();
    const { transport } = one;
    let on: Parameters<typeof transport.subscribe>[0] | undefined;
    const subscribe = transport.subscribe.bind(transport);
    jest.spyOn(transport, 'subscribe').mockImplementation((listener) => {
      on = listener;
      return subscribe(listener);
    });
    jest.spyOn(transport, 'publish').mockImplementation(async (message) => on?.message(message));
    const other = await start({ transport });

    await other.secrets.set('KEY', 'new');
    await time.advance(1);

    expect(other.secrets.fleet).toMatchObject({ published: 1, pending: 0 });
  });

  it('is cut when its transport says that it is connected, and rejects then', async () => {
    const one = await start();
    const { transport } = one;
    jest.spyOn(transport, 'subscribe').mockImplementation(async (on) => {
      on.connected();
      throw new Error('sk-canary');
    });

    const other = await start({ transport });

    expect(other.secrets.fleet.state).toBe('cut');
    expect(other.warnings).toEqual([expect.stringContaining('refused the subscription (UNKNOWN)')]);
    expect((await other.secrets.set('KEY', 'new')).announced).toBe(false);
  });

  it('leaves no timer and no subscription behind', async () => {
    const one = await start();
    await one.secrets.get('KEY');

    await closed(one);
    instances.length = 0;

    expect(time.pendingTimers).toBe(0);
    expect(one.transport.isSubscribed).toBe(false);
    expect(one.secrets.fleet.state).toBe('cut');
  });
});
