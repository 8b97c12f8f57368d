import assert from 'node:assert/strict';
import { read } from '../../core/errors/safe-access';
import type { FleetTransport } from '../../fleet/fleet-transport';
import { withTimeout } from '../with-timeout';
import { failureCases } from './failure.cases';
import type {
  FleetTransportCase,
  FleetTransportHarness,
  TransportCase,
  TransportSubject,
} from './harness';
import { Listener } from './listener';
import { messageCases } from './message.cases';
import { subscriptionCases } from './subscription.cases';

const CASES: readonly TransportCase[] = [...messageCases, ...subscriptionCases, ...failureCases];

/** A condition is given up before the case is, because its error says more. */
const SHARE_OF_CASE = 0.9;

/**
 * Returns the cases that a transport of the fleet has to pass, for any test runner. The title of a case is one
 * sentence. Run the cases one after another, because they share the broker.
 */
export function fleetTransportConformance(harness: FleetTransportHarness): FleetTransportCase[] {
  assert.equal(typeof read(harness, 'create'), 'function', 'the harness has to have create()');
  return CASES.map((definition) => ({
    title: definition.title,
    skip: reasonToSkip(definition, harness),
    run: () => runCase(definition, harness),
  }));
}

function reasonToSkip(
  { fault }: TransportCase,
  harness: FleetTransportHarness,
): string | undefined {
  if (fault === undefined) return undefined;
  if (typeof harness.fail !== 'function') return 'the harness cannot break the broker';
  if (harness.faults?.includes(fault) === false) return `the broker is never ${fault}`;
  return undefined;
}

async function runCase(definition: TransportCase, harness: FleetTransportHarness): Promise<void> {
  const skip = reasonToSkip(definition, harness);
  if (skip !== undefined) throw new Error(`"${definition.title}" does not apply: ${skip}`);
  const { caseTimeoutMs = 4_000 } = harness;
  const endsAt = performance.now() + caseTimeoutMs * SHARE_OF_CASE;
  const listeners: Listener[] = [];
  try {
    await withTimeout(caseTimeoutMs, definition.run(subjectOf(harness, { listeners, endsAt })));
  } finally {
    await harness.fail?.(undefined);
    const unsubscribed = Promise.all(listeners.map((listener) => listener.unsubscribe()));
    await withTimeout(caseTimeoutMs, unsubscribed).finally(() => harness.dispose?.());
  }
}

interface CaseState {
  readonly listeners: Listener[];
  readonly endsAt: number;
}

function subjectOf(
  harness: FleetTransportHarness,
  { listeners, endsAt }: CaseState,
): TransportSubject {
  const create = async (): Promise<FleetTransport> => harness.create();
  const listen = async (transport: FleetTransport): Promise<Listener> => {
    const listener = new Listener(transport, endsAt);
    listeners.push(listener);
    await listener.subscribe();
    return listener;
  };
  return {
    create,
    listen,
    endsAt,
    join: async () => {
      const listener = await listen(await create());
      await listener.connected();
      return listener;
    },
    fail: async (fault) => harness.fail?.(fault),
  };
}
