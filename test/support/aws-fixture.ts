import type { CustomSecretManager, SecretManagerError } from 'nestjs-custom-secret-manager';
import { BoundaryPolicy } from '../../lib/policies/boundary.policy';
import { AwsEndpoint } from './aws-endpoint';

export const CREDENTIALS = {
  accessKeyId: 'AKIACANARYACCESSKEY1',
  secretAccessKey: 'canary/secret/access/key/of/the/test',
  sessionToken: 'canary-session-token-of-the-test',
};

/** A manager whose AWS answers as the test says. Create it in `beforeEach` and close it afterwards. */
export class AwsFixture<Options extends object, Manager extends CustomSecretManager> {
  readonly aws = new AwsEndpoint();
  readonly #create: (options: Options) => Manager;
  readonly #managers: Manager[] = [];

  constructor(create: (options: Options) => Manager) {
    this.#create = create;
  }

  async start(): Promise<this> {
    await this.aws.start();
    return this;
  }

  manager(options?: Options): Manager {
    const connection = { region: 'eu-central-1', endpoint: this.aws.url, credentials: CREDENTIALS };
    const manager = this.#create({ ...connection, ...options } as unknown as Options);
    this.#managers.push(manager);
    return manager;
  }

  /** The same manager behind the boundary that translates errors. */
  translated(options?: Options): BoundaryPolicy {
    return new BoundaryPolicy(this.manager(options));
  }

  async close(): Promise<void> {
    for (const manager of this.#managers) await manager.close();
    await this.aws.stop();
  }
}

/** Returns the facts of an error in which a blocking and an asynchronous read agree. */
export function traitsOf({ code, message, retryAfterMs, secretName }: SecretManagerError): object {
  return { code, text: message.replace('readSecretSync', 'readSecret'), retryAfterMs, secretName };
}
