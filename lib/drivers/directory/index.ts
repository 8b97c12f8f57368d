export {
  DirectorySecretManager,
  type DirectorySecretManagerOptions,
} from './directory.secret-manager';
