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
});
