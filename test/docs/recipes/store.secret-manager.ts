export { StoreSecretManager } from '../../readme/quick-start/store.secret-manager';
