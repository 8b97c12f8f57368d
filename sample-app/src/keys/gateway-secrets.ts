import { Secret, SecretValue } from 'nestjs-custom-secret-manager';

/** The secrets of the gateway itself. Without them the application does not start. */
export class GatewaySecrets {
  /** The key of the operator. */
  @SecretValue('MASTER_KEY') readonly masterKey!: Secret;
}
