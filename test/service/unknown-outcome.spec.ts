import {
  SecretsService,
  VirtualKeysService,
  type SecretManagerErrorCode,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../support/application';
import { failure } from '../support/scripted.secret-manager';

const KEY = { id: '1', alias: 'alice' };
const NAME = 'litellm/alice';

/** A store that makes its writes, but reports a failure. */
class Doubtful extends InMemorySecretManager {
  code: SecretManagerErrorCode | undefined;

  override async writeSecret(...args: Parameters<InMemorySecretManager['writeSecret']>) {
    const metadata = await super.writeSecret(...args);
    if (this.code !== undefined) throw failure(this.code);
    return metadata;
  }

  override async deleteSecret(...args: Parameters<InMemorySecretManager['deleteSecret']>) {
    const metadata = await super.deleteSecret(...args);
    if (this.code !== undefined) throw failure(this.code);
    return metadata;
  }
}

describe.each(['TIMEOUT', 'UNAVAILABLE', 'UNKNOWN'] as const)(
  'a write whose outcome is unknown (%s)',
  (code) => {
    afterEach(closeApplications);

    async function start() {
      const store = new Doubtful({ [NAME]: 'sk-old' });
      const { app, secrets } = await startWith(store, {
        settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
      });
      const keys = app.get(VirtualKeysService);
      await secrets.get(NAME);
      await keys.verify(KEY, 'sk-old');
      store.code = code;
      return { store, secrets: app.get(SecretsService), keys };
    }

    it('drops the entry of virtual keys after a write through the secrets', async () => {
      const { secrets, keys } = await start();

      await secrets.set(NAME, 'sk-new').catch(() => undefined);

      expect(await keys.verify(KEY, 'sk-old')).toBe(false);
      expect(await secrets.get(NAME)).toBe('sk-new');
    });

    it('drops the entry of the secrets after a write through the virtual keys', async () => {
      const { secrets, keys } = await start();

      await keys.rotate(KEY, { value: 'sk-new' }).catch(() => undefined);

      expect(await secrets.get(NAME)).toBe('sk-new');
      expect(await keys.verify(KEY, 'sk-old')).toBe(false);
    });

    it('drops both after a deletion', async () => {
      const { secrets, keys } = await start();

      await keys.delete([KEY]);

      expect(await secrets.get(NAME)).toBeUndefined();
      expect(await keys.verify(KEY, 'sk-old')).toBe(false);
    });
  },
);
