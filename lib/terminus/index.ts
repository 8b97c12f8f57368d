export { SecretManagerHealthIndicator, type IsHealthyOptions } from './secret-manager.health';
