import {
AwsSecretManager,
type AwsSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { mkdtempSync,rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { AwsEndpoint } from '../../support/aws-endpoint';

export const CREDENTIALS = {
  accessKeyId: 'AKIACANARYACCESSKEY1',
  secretAccessKey: 'canary/secret/access/key/of/the/test',
  sessionToken: 'canary-session-token-of-the-test',
};

/** A manager of AWS whose AWS is told by the test what to answer. To be used in `beforeEach`, and closed after. */
export class Fixture {
  readonly aws = new AwsEndpoint();
  readonly #managers: AwsSecretManager[] = [];

  async start(): Promise<this> {
    await this.aws.start();
    return this;
  }

  manager(options: AwsSecretManagerOptions = {}): AwsSecretManager {
    const manager = new AwsSecretManager({
      region: 'eu-central-1',
      endpoint: this.aws.url,
      credentials: CREDENTIALS,
      ...options,
    });
    this.#managers.push(manager);
    return manager;
  }

  /** The same at the library's boundary, where errors are translated. */
  translated(options: AwsSecretManagerOptions = {}): BoundaryPolicy {
    return new BoundaryPolicy(this.manager(options));
  }

  async close(): Promise<void> {
    for (const manager of this.#managers) await manager.close();
    await this.aws.stop();
  }
}

/** An environment that holds nothing of AWS, and an empty folder for its files. To be left after each test. */
export class EmptyEnvironment {
  readonly home = mkdtempSync(join(tmpdir(), 'aws-'));
  readonly #before = process.env;

  constructor() {
    process.env = {
      PATH: this.#before.PATH,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: join(this.home, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(this.home, 'credentials'),
    };
  }

  leave(): void {
    process.env = this.#before;
    rmSync(this.home, { recursive: true });
  }
}

export const PENDING =
  "You can't perform this operation on the secret because it was marked for deletion.";
