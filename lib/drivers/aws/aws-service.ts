import type { ServiceRows } from './error-rows';

/** A service of AWS, with everything in which it differs from the others. */
export interface AwsService extends ServiceRows {
  /** The name in messages, as `Secrets Manager`. */
  readonly name: string;
  /** The class of the manager in messages. */
  readonly managerClass: string;
  /** The prefix of the service's rights, as `secretsmanager`. */
  readonly rightsPrefix: string;
  /** The environment variable with the endpoint of this service alone. */
  readonly endpointVariable: string;
}
