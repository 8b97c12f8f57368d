export {
  JsonFileSecretManager,
  type JsonFileSecretManagerOptions,
} from './json-file.secret-manager';
