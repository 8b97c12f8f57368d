import {
  fleetTransportConformance,
  InMemoryBus,
  InMemoryTransport,
} from 'nestjs-custom-secret-manager/testing';
import { examples, failedCases } from './fleet-transports';

describe('the examples of docs/fleet-transports.md', () => {
  it('make transports without connecting', () => {
    expect(examples.nats()).toHaveProperty('publish');
    expect(examples.ioredis()).toHaveProperty('publish');
    expect(examples.postgres()).toHaveProperty('publish');
  });

  it('make transports in memory whose faults can be caused', async () => {
    const [one, other] = examples.inMemory();
    const heard: number[] = [];
    const heardMessage = new Promise<void>((resolve) => {
      const calls = { connected: () => undefined, disconnected: () => undefined };
      const message = ([first = 0]: Uint8Array): void => {
        heard.push(first);
        resolve();
      };
      void other.subscribe({ ...calls, message }, { signal: new AbortController().signal });
    });
    await Promise.resolve();

    for (const byte of [1, 2, 3]) await one.publish(new Uint8Array([byte]));
    await heardMessage;

    expect(heard).toEqual([3]);
  });

  it('run the kit', async () => {
    const bus = new InMemoryBus();

    expect(await failedCases(() => new InMemoryTransport(bus))).toEqual([]);
  });

  const bus = new InMemoryBus();
  const cases = fleetTransportConformance({
    create: () => new InMemoryTransport(bus),
    fail: (fault) => (fault ? bus.cut({ silent: fault === 'hanging' }) : bus.restore()),
  });
  for (const each of cases) (each.skip ? it.skip : it)(each.title, () => each.run());
});
