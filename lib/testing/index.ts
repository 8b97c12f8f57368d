export type { Rotating } from '../core/contract/rotating';
export { secretManagerConformance } from './conformance';
export type { Capability, ConformanceCase, ConformanceHarness } from './conformance/harness';
export type { Fault, FaultOptions, RecordedCall } from './given-fault';
export { InMemorySecretManager } from './in-memory.secret-manager';
export { rotatingOf } from './rotating-of';
export { secretsOf } from './secrets-of';
