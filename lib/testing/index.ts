export {
  InMemorySecretManager,
  type Fault,
  type FaultOptions,
  type RecordedCall,
} from './in-memory.secret-manager';
