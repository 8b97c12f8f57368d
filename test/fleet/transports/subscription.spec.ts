import { PostgresTransport } from 'nestjs-custom-secret-manager/fleet';
import { FakePostgres } from './fake-postgres';

const LISTEN = 'LISTEN "nestjs-custom-secret-manager.fleet"';

const on = { message: jest.fn(), connected: jest.fn(), disconnected: jest.fn() };
let clients: FakePostgres[];
let warnings: string[];
let next: (() => FakePostgres)[];
let controller: AbortController;

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(1);
  jest.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    warnings.push(String(warning));
  });
  clients = [];
  warnings = [];
  next = [];
  controller = new AbortController();
});

afterEach(() => {
  controller.abort();
  jest.useRealTimers();
  jest.restoreAllMocks();
  jest.clearAllMocks();
});

const connect = (): FakePostgres => {
  const client = (next.shift() ?? (() => new FakePostgres('works')))();
  clients.push(client);
  return client;
};

const failing = (): FakePostgres => new FakePostgres('fails');
const hanging = (): FakePostgres => new FakePostgres('hangs');
const throwing = (): FakePostgres => {
  throw new Error('canary-4242');
};

const subscribe = (): Promise<() => Promise<void>> =>
  new PostgresTransport({ connect }).subscribe(on, { signal: controller.signal });

const passed = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

describe('A subscription', () => {
  it('quotes its channel', async () => {
    const transport = new PostgresTransport({ connect, channel: 'Team "A"; drop' });

    await transport.subscribe(on, { signal: controller.signal });
    await passed(0);

    expect(clients[0]?.queries).toEqual(['LISTEN "Team ""A""; drop"']);
    expect(on.connected).toHaveBeenCalledTimes(1);
  });

  it('tries again after 100 ms doubling to 5 s', async () => {
    next = Array.from({ length: 10 }, () => failing);

    await subscribe();
    await passed(0);
    const attempts: number[] = [];
    for (const ms of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000]) {
      await passed(ms - 1);
      const before = clients.length;
      await passed(1);
      attempts.push(clients.length - before);
    }

    expect(attempts).toEqual(Array(10).fill(1));
    expect(on.connected).toHaveBeenCalledTimes(1);
    expect(on.disconnected).not.toHaveBeenCalled();
  });

  it('begins with 100 ms again after it was connected', async () => {
    next = [failing, failing, failing];
    await subscribe();
    await passed(1_000);

    clients.at(-1)?.emit('error', new Error('It is lost.'));
    expect(on.disconnected).toHaveBeenCalledTimes(1);
    await passed(100);

    expect(clients).toHaveLength(5);
    expect(on.connected).toHaveBeenCalledTimes(2);
  });

  it('gives up a server that does not confirm it within 10 s', async () => {
    next = [hanging];
    await subscribe();

    await passed(10_000);
    expect(clients[0]?.isEnded).toBe(true);
    await passed(100);

    expect(clients[1]?.queries).toEqual([LISTEN]);
    expect(on.connected).toHaveBeenCalledTimes(1);
  });

  it('tries again after a function that threw', async () => {
    next = [throwing];
    await subscribe();

    await passed(100);

    expect(on.connected).toHaveBeenCalledTimes(1);
  });

  it('warns once of each kind of failure, with its code and without its message', async () => {
    next = [failing, failing, throwing, failing];
    await subscribe();

    await passed(5_000);

    expect(warnings).toEqual([
      'PostgresTransport cannot subscribe: its broker refuses the login (28P01). It tries again.',
      'PostgresTransport cannot subscribe: its connection failed (Error). It tries again.',
    ]);
    expect(on.connected).toHaveBeenCalledTimes(1);
  });

  it('ends while a connection is tried, and leaves no timer', async () => {
    next = [hanging];
    const unsubscribe = await subscribe();
    await passed(5);

    const ending = unsubscribe();
    await passed(500);
    await ending;

    expect(clients[0]?.isEnded).toBe(true);
    await passed(60_000);
    expect(clients).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends in the pause between two attempts, and leaves no timer', async () => {
    next = [failing];
    const unsubscribe = await subscribe();
    await passed(50);

    await unsubscribe();

    expect(jest.getTimerCount()).toBe(0);
    await passed(60_000);
    expect(clients).toHaveLength(1);
  });

  it('never connects a client that its function returns after the end', async () => {
    let give: (client: FakePostgres) => void = () => undefined;
    const late = new Promise<FakePostgres>((resolve) => (give = resolve));
    const transport = new PostgresTransport({ connect: () => late });
    const unsubscribe = await transport.subscribe(on, { signal: controller.signal });
    const client = new FakePostgres('works');
    const connecting = jest.spyOn(client, 'connect');

    await unsubscribe();
    give(client);
    await passed(0);

    expect(connecting).not.toHaveBeenCalled();
    expect(client.queries).toEqual([]);
  });

  it('reports nothing of a client that is replaced or ended', async () => {
    const unsubscribe = await subscribe();
    await passed(0);
    const [first] = clients;
    first?.emit('error', new Error('It is lost.'));
    await passed(100);

    first?.emit('end');
    first?.emit('notification', { channel: LISTEN.slice(8, -1), payload: 'AA==' });
    await unsubscribe();
    clients[1]?.emit('error', new Error('It is lost.'));
    clients[1]?.emit('notification', { channel: LISTEN.slice(8, -1), payload: 'AA==' });

    expect(on.message).not.toHaveBeenCalled();
    expect(on.disconnected).toHaveBeenCalledTimes(1);
  });

  it('hears its own channel only', async () => {
    await subscribe();
    await passed(0);

    clients[0]?.emit('notification', { channel: 'other', payload: 'AA==' });
    clients[0]?.emit('notification', { channel: LISTEN.slice(8, -1), payload: 'AQI=' });

    expect(on.message.mock.calls).toEqual([[new Uint8Array([1, 2])]]);
  });
});

describe('Publishing', () => {
  it('rejects with UNAVAILABLE while the subscription is cut', async () => {
    next = [failing];
    const transport = new PostgresTransport({ connect });
    await transport.subscribe(on, { signal: controller.signal });
    await passed(10);

    const publishing = transport.publish(new Uint8Array(1));

    await expect(publishing).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('opens a connection for one message if nothing is subscribed, and ends it', async () => {
    await new PostgresTransport({ connect }).publish(new Uint8Array(1));

    expect(clients.map(({ queries, isEnded }) => [queries.length, isEnded])).toEqual([[1, true]]);
  });

  it('opens one again after the end of a subscription', async () => {
    const transport = new PostgresTransport({ connect });
    const unsubscribe = await transport.subscribe(on, { signal: controller.signal });
    await passed(0);
    await unsubscribe();

    await transport.publish(new Uint8Array(1));

    expect(clients.map(({ isEnded }) => isEnded)).toEqual([true, true]);
  });

  it('refuses a message that NOTIFY cannot carry', async () => {
    const publishing = new PostgresTransport({ connect }).publish(new Uint8Array(5_998));

    await expect(publishing).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(clients).toEqual([]);
  });
});
