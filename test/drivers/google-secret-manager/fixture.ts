import {
  GoogleSecretManager,
  type GoogleSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import { FakeGoogleSecretManager } from '../../support/fake-google-secret-manager';

export const TOKEN = 'canary-token-of-the-application';

/** A fake of Google Secret Manager and a manager on it, for each test of a file. */
export class GoogleFixture {
  fake = new FakeGoogleSecretManager();
  readonly #managers: GoogleSecretManager[] = [];

  async start(): Promise<void> {
    this.fake = await new FakeGoogleSecretManager().start();
    this.fake.logins.tokens.add(TOKEN);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#managers.splice(0).map((manager) => manager.close()));
    await this.fake.stop();
  }

  /** Returns a manager with a token. The environment has no variable unless the test gives one. */
  manager(
    options: GoogleSecretManagerOptions = {},
    environment: Readonly<Record<string, string>> = {},
  ): GoogleSecretManager {
    const manager = new GoogleSecretManager(
      {
        projectId: 'p',
        endpoint: this.fake.address,
        auth: { getAccessToken: () => TOKEN },
        ...options,
      },
      { HOME: '/nowhere', ...environment },
    );
    this.#managers.push(manager);
    return manager;
  }
}
