export {
  EnvironmentSecretManager,
  type EnvironmentSecretManagerOptions,
} from './environment.secret-manager';
