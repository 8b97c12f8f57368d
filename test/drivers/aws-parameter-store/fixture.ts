import {
  AwsParameterStoreSecretManager,
  type AwsParameterStoreSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import type { AwsAnswer } from '../../support/aws-endpoint';
import { AwsFixture } from '../../support/aws-fixture';

export { CREDENTIALS } from '../../support/aws-fixture';

/** A manager whose Parameter Store answers as the test says. */
export class Fixture extends AwsFixture<
  AwsParameterStoreSecretManagerOptions,
  AwsParameterStoreSecretManager
> {
  constructor() {
    super((options) => new AwsParameterStoreSecretManager(options));
  }
}

/** Returns the answer to a read of one parameter. */
export function parameter(Name: string, Value: unknown = `of ${Name}`, Version = 1): AwsAnswer {
  return { body: { Parameter: { Name, Value, Version, Type: 'SecureString' } } };
}

/** Returns the description of one parameter, or of none. */
export function description(...parameters: readonly object[]): AwsAnswer {
  return { body: { Parameters: parameters } };
}
