import {
  AwsSecretManager,
  type AwsSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsFixture } from '../../support/aws-fixture';

export { CREDENTIALS } from '../../support/aws-fixture';

/** A manager whose Secrets Manager answers as the test says. */
export class Fixture extends AwsFixture<AwsSecretManagerOptions, AwsSecretManager> {
  constructor() {
    super((options) => new AwsSecretManager(options));
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
