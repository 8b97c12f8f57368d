import type { FleetTransport } from '../../fleet/fleet-transport';
import type { ConformanceCase } from '../conformance/harness';
import type { Listener } from './listener';

/**
 * The failure of a broker. An `unavailable` one ends all connections and refuses new ones. A `hanging` one keeps its
 * connections, and answers nothing.
 */
export type BrokerFault = 'unavailable' | 'hanging';

/** The access of the kit to a transport and its broker. */
export interface FleetTransportHarness {
  /** Creates a transport as a further instance of the application has it, on the channel of the others. */
  create(): FleetTransport | Promise<FleetTransport>;
  /** Breaks the broker; `undefined` heals it. Without this method, the cases about failures are skipped. */
  fail?(fault: BrokerFault | undefined): void | Promise<void>;
  /** Cleans up after each case. Nothing is subscribed any more. */
  dispose?(): void | Promise<void>;
  /** The failures that the broker can have. The cases about others are skipped. Default: all. */
  readonly faults?: readonly BrokerFault[];
  /**
   * The time after which a case fails, in milliseconds. Default 4 000: less than the limit of common test runners. A
   * broker that is restarted needs more.
   */
  readonly caseTimeoutMs?: number;
}

export type FleetTransportCase = ConformanceCase;

/** A case before it is bound to a harness. */
export interface TransportCase {
  readonly title: string;
  /** The fault that the harness has to be able to cause. */
  readonly fault?: BrokerFault;
  run(subject: TransportSubject): Promise<void>;
}

/** A transport under test, with its broker. */
export interface TransportSubject {
  create(): Promise<FleetTransport>;
  /** Subscribes, and records what the transport calls. */
  listen(transport: FleetTransport): Promise<Listener>;
  /** Creates a transport, subscribes, and waits until it is connected. */
  join(): Promise<Listener>;
  fail(fault: BrokerFault | undefined): Promise<void>;
  /** The time at which waiting for a condition ends. */
  readonly endsAt: number;
}
