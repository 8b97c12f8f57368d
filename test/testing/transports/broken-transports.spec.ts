import type { FleetTransport } from 'nestjs-custom-secret-manager/fleet';
import {
  fleetTransportConformance,
  InMemoryBus,
  InMemoryTransport,
  type FleetTransportHarness,
} from 'nestjs-custom-secret-manager/testing';
import { BROKEN_TRANSPORTS } from './broken-transports';

type Create = (bus: InMemoryBus) => FleetTransport;

function harnessFor(create: Create, caseTimeoutMs: number): FleetTransportHarness {
  const bus = new InMemoryBus();
  return {
    create: () => create(bus),
    fail: (fault) => (fault ? bus.cut({ silent: fault === 'hanging' }) : bus.restore()),
    caseTimeoutMs,
  };
}

/** Resolves to the titles of the cases that a transport fails. Each case has a bus of its own. */
async function failuresOf(create: Create, caseTimeoutMs = 2_500): Promise<string[]> {
  const titles = fleetTransportConformance(harnessFor(create, caseTimeoutMs)).map(
    ({ title }) => title,
  );
  const failed = await Promise.all(
    titles.map(async (_, index) => {
      const one = fleetTransportConformance(harnessFor(create, caseTimeoutMs))[index];
      return await one?.run().then(
        () => false,
        () => true,
      );
    }),
  );
  return titles.filter((_, index) => failed[index]);
}

describe('The conformance kit of transports', () => {
  const failures = new Map<string, string[]>();

  beforeAll(async () => {
    const tried = BROKEN_TRANSPORTS.map(async (fault) => {
      failures.set(fault.what, await failuresOf((bus) => fault.create(bus)));
    });
    await Promise.all(tried);
  });

  it('raises no false alarm for a correct transport', async () => {
    expect(await failuresOf((bus) => new InMemoryTransport(bus), 4_000)).toEqual([]);
  });

  it.each(BROKEN_TRANSPORTS)('finds a transport that $what', ({ what, killedBy }) => {
    expect(failures.get(what)).toContain(killedBy);
  });

  it('has a broken transport for most of its cases', () => {
    const killers = new Set(BROKEN_TRANSPORTS.map(({ killedBy }) => killedBy));

    expect(failures.size).toBe(BROKEN_TRANSPORTS.length);
    expect(killers.size).toBeGreaterThanOrEqual(25);
  });

  it('skips the cases about failures if the harness cannot cause them', () => {
    const bus = new InMemoryBus();
    const create = (): FleetTransport => new InMemoryTransport(bus);
    const skipped = (harness: FleetTransportHarness): number =>
      fleetTransportConformance(harness).filter(({ skip }) => skip !== undefined).length;

    expect(skipped({ create })).toBe(13);
    expect(skipped({ create, fail: () => undefined, faults: ['unavailable'] })).toBe(4);
  });

  it('names what it did not see', async () => {
    const deaf: FleetTransport = {
      publish: async () => undefined,
      subscribe: async () => async () => undefined,
    };
    const [first] = fleetTransportConformance(harnessFor(() => deaf, 200));

    await expect(first?.run()).rejects.toThrow('not seen: connected() is called once');
  });

  it.each([undefined, {}, new InMemoryTransport(new InMemoryBus())])('refuses %j', (harness) => {
    const use = (): unknown => fleetTransportConformance(harness as never);

    expect(use).toThrow('the harness has to have create()');
  });
});
