import type { AwsService } from '../../aws/aws-service';
import { ERROR_ROWS } from './error-rows';

export const SECRETS_MANAGER: AwsService = {
  name: 'Secrets Manager',
  managerClass: 'AwsSecretManager',
  rightsPrefix: 'secretsmanager',
  endpointVariable: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  ...ERROR_ROWS,
};
