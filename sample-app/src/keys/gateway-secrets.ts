import { MinLength } from 'class-validator';
import { Secret, SecretValue } from 'nestjs-custom-secret-manager';

/** The secrets of the gateway itself. Without them, or with one that is too short, the application does not start. */
export class GatewaySecrets {
  /** The key of the operator. */
  @SecretValue('MASTER_KEY') @MinLength(8) readonly masterKey!: Secret;
}
