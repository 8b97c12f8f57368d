export { secretManagerConformance } from './conformance';
export type { Capability, ConformanceCase, ConformanceHarness } from './conformance/harness';
export {
  InMemorySecretManager,
  type Fault,
  type FaultOptions,
  type RecordedCall,
} from './in-memory.secret-manager';
export { rotatingOf } from './rotating-of';
export type { Rotating } from '../core/contract/rotating';
