import type { AwsService } from '../../aws/aws-service';
import { ERROR_ROWS } from './error-rows';

/** The name of the manager in errors. */
export const MANAGER_NAME = 'aws-parameter-store';

export const PARAMETER_STORE: AwsService = {
  name: 'Parameter Store',
  managerClass: 'AwsParameterStoreSecretManager',
  rightsPrefix: 'ssm',
  endpointVariable: 'AWS_ENDPOINT_URL_SSM',
  ...ERROR_ROWS,
};
