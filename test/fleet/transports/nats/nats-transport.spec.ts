import { connect } from '@nats-io/transport-node';
import { NatsTransport } from 'nestjs-custom-secret-manager/fleet';
import { FakeNats } from '../fake-nats';

const on = { message: jest.fn(), connected: jest.fn(), disconnected: jest.fn() };
let warnings: string[];
let controller: AbortController;

beforeEach(() => {
  jest.useFakeTimers();
  warnings = [];
  controller = new AbortController();
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(String(warning));
  });
});

afterEach(() => {
  controller.abort();
  jest.useRealTimers();
  jest.restoreAllMocks();
  jest.clearAllMocks();
});

const passed = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
const signalled = (): { signal: AbortSignal } => ({ signal: controller.signal });

describe('NatsTransport of a connection', () => {
  it('follows the reconnects of the client, and confirms each by a flush', async () => {
    const nats = new FakeNats();
    await new NatsTransport(nats).subscribe(on, signalled());
    await passed(0);

    nats.tell('disconnect');
    await passed(0);
    const cut = [on.connected.mock.calls.length, on.disconnected.mock.calls.length];
    nats.tell('reconnect');
    await passed(0);

    expect(cut).toEqual([1, 1]);
    expect(on.connected).toHaveBeenCalledTimes(2);
    expect(nats.subscriptions).toBe(1);
  });

  it('leaves no subscription and no iterator behind, and the client open', async () => {
    const nats = new FakeNats();
    const unsubscribe = await new NatsTransport(nats).subscribe(on, signalled());
    await passed(0);

    await unsubscribe();

    expect([nats.subscriptions, nats.statusIterators, nats.isClosed()]).toEqual([0, 0, false]);
  });

  it('listens to the end of the client once, however often it publishes and subscribes', async () => {
    const nats = new FakeNats();
    const transport = new NatsTransport(nats);

    for (let round = 1; round <= 50; round += 1) {
      await transport.publish(new Uint8Array(1));
      const unsubscribe = await transport.subscribe(on, signalled());
      await passed(0);
      await unsubscribe();
    }

    expect(nats.published).toHaveLength(50);
    expect(nats.closedListeners).toBe(1);
  });

  it('rejects a publish whose flush the client leaves pending at its end', async () => {
    const nats = new FakeNats();
    const transport = new NatsTransport(nats);
    await transport.subscribe(on, signalled());
    await passed(0);
    nats.isFlushing = false;

    const publishing = transport.publish(new Uint8Array(1));
    const rejected = expect(publishing).rejects.toThrow('closed');
    await passed(0);
    await nats.close();
    await passed(0);

    await rejected;
    expect(on.disconnected).toHaveBeenCalledTimes(1);
  });

  it('warns at once of a connection that may close for good, and once', async () => {
    const nats = new FakeNats();
    nats.options = { maxReconnectAttempts: 10 };

    await new NatsTransport(nats).subscribe(on, signalled());
    await passed(0);
    await nats.close();
    await passed(60_000);

    expect(warnings).toEqual([expect.stringContaining('maxReconnectAttempts: -1')]);
  });

  it('warns at the end of a connection whose options it cannot see', async () => {
    const nats = new FakeNats();
    nats.options = undefined;

    await new NatsTransport(nats).subscribe(on, signalled());
    await passed(0);
    expect(warnings).toEqual([]);
    await nats.close();
    await passed(60_000);

    expect(warnings).toEqual([expect.stringContaining('waitOnFirstConnect: true')]);
  });

  it('subscribes again after a refusal', async () => {
    const nats = new FakeNats();
    await new NatsTransport(nats).subscribe(on, signalled());
    await passed(0);

    nats.callback(new Error('canary-4242'), { data: new Uint8Array() });
    await passed(100);

    expect([on.disconnected.mock.calls.length, on.connected.mock.calls.length]).toEqual([1, 2]);
    expect(nats.subscriptions).toBe(1);
  });
});

describe('NatsTransport of a function', () => {
  it('waits for one pending connect, and starts no second', async () => {
    let give: (client: FakeNats) => void = () => undefined;
    const connect = jest.fn(() => new Promise<FakeNats>((resolve) => (give = resolve)));
    await new NatsTransport(connect).subscribe(on, signalled());

    await passed(60 * 60_000); // `waitOnFirstConnect: true`, and NATS is away for an hour
    expect(connect).toHaveBeenCalledTimes(1);
    const nats = new FakeNats();
    give(nats);
    await passed(5_000);

    expect(connect).toHaveBeenCalledTimes(1);
    expect([on.connected.mock.calls.length, nats.isClosed()]).toEqual([1, false]);
  });

  it('closes a client that connects after the end', async () => {
    let give: (client: FakeNats) => void = () => undefined;
    const connect = (): Promise<FakeNats> => new Promise((resolve) => (give = resolve));
    const unsubscribe = await new NatsTransport(connect).subscribe(on, signalled());

    await unsubscribe();
    const nats = new FakeNats();
    give(nats);
    await passed(6_000);

    expect([nats.isClosed(), nats.subscriptions]).toEqual([true, 0]);
    expect(on.connected).not.toHaveBeenCalled();
  });

  it('calls it again when the client has closed, and closes the last one at the end', async () => {
    const clients: FakeNats[] = [];
    const connect = async (): Promise<FakeNats> => {
      clients.push(new FakeNats());
      return clients.at(-1) ?? new FakeNats();
    };
    const unsubscribe = await new NatsTransport(connect).subscribe(on, signalled());
    await passed(0);

    await clients[0]?.close(new Error('It gave up.'));
    await passed(100);
    await unsubscribe();

    expect(clients.map((client) => client.isClosed())).toEqual([true, true]);
    expect([on.connected.mock.calls.length, on.disconnected.mock.calls.length]).toEqual([2, 1]);
  });

  it('says so where the client refuses options that an earlier connect has changed', async () => {
    const changed = { port: 1, servers: ['127.0.0.1:1'] };
    await new NatsTransport(() => connect(changed)).subscribe(on, signalled());
    await passed(1_000);

    expect(warnings).toEqual([
      'NatsTransport cannot subscribe: its client refuses the options of `connect`; write them in place ' +
        '(InvalidArgumentError). It tries again.',
    ]);
  });
});
