import {
  fleetTransportConformance,
  InMemoryBus,
  InMemoryTransport,
} from 'nestjs-custom-secret-manager/testing';

describe('InMemoryTransport', () => {
  let bus = new InMemoryBus();

  const cases = fleetTransportConformance({
    create: () => new InMemoryTransport(bus),
    fail: (fault) => (fault ? bus.cut({ silent: fault === 'hanging' }) : bus.restore()),
    dispose: () => {
      bus = new InMemoryBus();
    },
  });

  it.each(cases)('$title', async (one) => {
    expect(one.skip).toBeUndefined();
    await one.run();
  });

  it('loses a delayed message if it is cut before', async () => {
    const transport = new InMemoryTransport(bus);
    const message = jest.fn();
    const on = { message, connected: () => undefined, disconnected: () => undefined };
    await transport.subscribe(on, { signal: new AbortController().signal });
    transport.delay(5);

    for (const silent of [false, true]) {
      await transport.publish(new Uint8Array(8));
      transport.cut({ silent });
      transport.restore();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(message).not.toHaveBeenCalled();
  });

  it.each<[string, (target: InMemoryBus | InMemoryTransport) => void, string]>([
    ['cut(null)', (it) => it.cut(null as never), 'cut() takes { silent }, and not null.'],
    ['cut(true)', (it) => it.cut(true as never), 'cut() takes { silent }, and not a boolean.'],
    ['cut({ silence })', (it) => it.cut({ silence: true } as never), '"silence" is not an option'],
    ['drop(-1)', (it) => it.drop(-1), 'drop() takes a number of 0 or more, and not -1.'],
    ['drop(NaN)', (it) => it.drop(NaN), 'drop() takes a number of 0 or more, and not NaN.'],
    [
      'delay("5")',
      (it) => it.delay('5' as never),
      'delay() takes a number of 0 or more, and not a',
    ],
  ])('refuses %s, also on a bus', (_, misuse, problem) => {
    for (const target of [bus, new InMemoryTransport(bus)]) {
      expect(() => misuse(target)).toThrow(problem);
    }
  });

  it('needs a bus', () => {
    expect(() => new InMemoryTransport({} as never)).toThrow(
      'needs an InMemoryBus, and got an object',
    );
  });
});
