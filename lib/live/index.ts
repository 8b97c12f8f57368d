export type { Rotating } from '../core/contract/rotating';
export { credentialsRejected } from '../core/errors/credentials-rejected';
export { InjectRotating } from './rotating/inject-rotating';
export {
  rotatingResource,
  type RotatingResourceOptions,
  type SecretNames,
  type ValuesOf,
} from './rotating/rotating-resource';
