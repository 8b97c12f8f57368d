import {
  AwsSecretManager,
  type AwsSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { AwsEndpoint } from '../../support/aws-endpoint';

export const CREDENTIALS = {
  accessKeyId: 'AKIACANARYACCESSKEY1',
  secretAccessKey: 'canary/secret/access/key/of/the/test',
  sessionToken: 'canary-session-token-of-the-test',
};

/** A manager whose AWS answers as the test says. Create it in `beforeEach` and close it afterwards. */
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

  /** The same manager behind the boundary that translates errors. */
  translated(options: AwsSecretManagerOptions = {}): BoundaryPolicy {
    return new BoundaryPolicy(this.manager(options));
  }

  async close(): Promise<void> {
    for (const manager of this.#managers) await manager.close();
    await this.aws.stop();
  }
}

/** An environment without AWS variables, with an empty folder for its files. Restore it after each test. */
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
