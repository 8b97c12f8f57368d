import {
  AwsParameterStoreSecretManager,
  type AwsParameterStoreSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { AwsEndpoint, type AwsAnswer } from '../../support/aws-endpoint';

export const CREDENTIALS = {
  accessKeyId: 'AKIACANARYACCESSKEY1',
  secretAccessKey: 'canary/secret/access/key/of/the/test',
  sessionToken: 'canary-session-token-of-the-test',
};

/** A manager whose Parameter Store answers as the test says. Create it in `beforeEach` and close it afterwards. */
export class Fixture {
  readonly aws = new AwsEndpoint();
  readonly #managers: AwsParameterStoreSecretManager[] = [];

  async start(): Promise<this> {
    await this.aws.start();
    return this;
  }

  manager(options: AwsParameterStoreSecretManagerOptions = {}): AwsParameterStoreSecretManager {
    const manager = new AwsParameterStoreSecretManager({
      region: 'eu-central-1',
      endpoint: this.aws.url,
      credentials: CREDENTIALS,
      ...options,
    });
    this.#managers.push(manager);
    return manager;
  }

  /** The same manager behind the boundary that translates errors. */
  translated(options: AwsParameterStoreSecretManagerOptions = {}): BoundaryPolicy {
    return new BoundaryPolicy(this.manager(options));
  }

  async close(): Promise<void> {
    for (const manager of this.#managers) await manager.close();
    await this.aws.stop();
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
