export type { Rotating } from '../core/contract/rotating';
export { secretManagerConformance } from './conformance';
export type { Capability, ConformanceCase, ConformanceHarness } from './conformance/harness';
export type { CutOptions } from './fault-checks';
export type { Fault, FaultOptions, RecordedCall } from './given-fault';
export { InMemoryBus } from './in-memory-bus';
export { InMemoryTransport } from './in-memory.transport';
export { InMemorySecretManager } from './in-memory.secret-manager';
export { rotatingOf } from './rotating-of';
export { secretsOf } from './secrets-of';
export { fleetTransportConformance } from './transport-conformance';
export type {
  BrokerFault,
  FleetTransportCase,
  FleetTransportHarness,
} from './transport-conformance/harness';
