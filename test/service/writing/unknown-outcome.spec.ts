import {
  VirtualKeysService,
  type SecretManagerErrorCode,
  type SecretsService,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { failure } from '../../support/scripted.secret-manager';

const ALICE = { id: '1', alias: 'alice' };
const BOB = { id: '2', alias: 'bob' };
const NAMES = ['litellm/alice', 'litellm/bob'] as const;

type Write = 'writeSecret' | 'deleteSecret';

/** A store that makes its writes, but reports a failure. */
class Doubtful extends InMemorySecretManager {
  failsAfter: readonly Write[] = [];
  code: SecretManagerErrorCode = 'UNKNOWN';

  override async writeSecret(...args: Parameters<InMemorySecretManager['writeSecret']>) {
    const metadata = await super.writeSecret(...args);
    if (this.failsAfter.includes('writeSecret')) throw failure(this.code);
    return metadata;
  }

  override async deleteSecret(...args: Parameters<InMemorySecretManager['deleteSecret']>) {
    const metadata = await super.deleteSecret(...args);
    if (this.failsAfter.includes('deleteSecret')) throw failure(this.code);
    return metadata;
  }
}

interface Services {
  readonly secrets: SecretsService;
  readonly keys: VirtualKeysService;
}

interface Doubt {
  readonly through: string;
  readonly failsAfter: Write;
  readonly act: (services: Services) => Promise<unknown>;
  /** The values of alice and bob in the store afterwards. */
  readonly left: readonly [alice: string | undefined, bob: string | undefined];
}

const [NAME, OTHER] = NAMES;

const DOUBTS: readonly Doubt[] = [
  {
    through: 'set() of the secrets',
    failsAfter: 'writeSecret',
    act: ({ secrets }) => secrets.set(NAME, 'sk-new'),
    left: ['sk-new', undefined],
  },
  {
    through: 'delete() of the secrets',
    failsAfter: 'deleteSecret',
    act: ({ secrets }) => secrets.delete(NAME),
    left: [undefined, undefined],
  },
  {
    through: 'rotate() of the secrets in place',
    failsAfter: 'writeSecret',
    act: ({ secrets }) => secrets.rotate(NAME, { value: 'sk-new' }),
    left: ['sk-new', undefined],
  },
  {
    through: 'the write of rotate() of the secrets under a new name',
    failsAfter: 'writeSecret',
    act: ({ secrets }) => secrets.rotate(NAME, { name: OTHER, value: 'sk-new' }),
    left: ['sk-old', 'sk-new'],
  },
  {
    through: 'the deletion of rotate() of the secrets under a new name',
    failsAfter: 'deleteSecret',
    act: ({ secrets }) => secrets.rotate(NAME, { name: OTHER, value: 'sk-new' }),
    left: [undefined, 'sk-new'],
  },
  {
    through: 'create() of the virtual keys',
    failsAfter: 'writeSecret',
    act: ({ keys }) => keys.create({ ...BOB, value: 'sk-new' }),
    left: ['sk-old', 'sk-new'],
  },
  {
    through: 'rotate() of the virtual keys',
    failsAfter: 'writeSecret',
    act: ({ keys }) => keys.rotate(ALICE, { value: 'sk-new' }),
    left: ['sk-new', undefined],
  },
  {
    through: 'the write of rename() of the virtual keys',
    failsAfter: 'writeSecret',
    act: ({ keys }) => keys.rename(ALICE, { alias: 'bob' }),
    left: ['sk-old', 'sk-old'],
  },
  {
    through: 'the deletion of rename() of the virtual keys',
    failsAfter: 'deleteSecret',
    act: ({ keys }) => keys.rename(ALICE, { alias: 'bob' }),
    left: [undefined, 'sk-old'],
  },
  {
    through: 'delete() of the virtual keys',
    failsAfter: 'deleteSecret',
    act: async ({ keys }) => {
      const outcomes = await keys.delete([ALICE]);
      return await Promise.reject(outcomes.get(ALICE.id) ?? new Error('No failure was reported.'));
    },
    left: [undefined, undefined],
  },
];

describe.each(['TIMEOUT', 'UNAVAILABLE', 'UNKNOWN', 'CONFLICT'] as const)(
  'a write whose outcome is unknown (%s)',
  (code) => {
    afterEach(closeApplications);

    it.each(DOUBTS)(
      'drops the entry in both caches: $through',
      async ({ failsAfter, act, left }) => {
        const store = new Doubtful({ [NAME]: 'sk-old' });
        const { app, secrets } = await startWith(store, {
          settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
        });
        const keys = app.get(VirtualKeysService);
        const inSecrets = () => Promise.all(NAMES.map((name) => secrets.get(name)));
        const inKeys = () => Promise.all([ALICE, BOB].map((key) => keys.find(key)));
        expect(await inSecrets()).toEqual(['sk-old', undefined]);
        expect(await inKeys()).toEqual(['sk-old', undefined]);
        Object.assign(store, { code, failsAfter: [failsAfter] });

        await expect(act({ secrets, keys })).rejects.toMatchObject({ manager: 'in-memory' });

        expect(await inSecrets()).toEqual(left);
        expect(await inKeys()).toEqual(left);
      },
    );
  },
);
