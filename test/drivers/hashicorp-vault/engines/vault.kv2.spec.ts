import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { closeApplications, startWith, type Started } from '../../../support/application';
import { failureOf } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer } from '../../../support/fake-vault';

const DENIED: FakeAnswer = {
  status: 403,
  body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] },
};

/** Stores the latest version of each secret of the mount `secret`, and respects `cas`. */
class Kv2Server extends FakeVault {
  readonly fields = new Map<string, Record<string, unknown> | null>();
  readonly #versions = new Map<string, number>();

  holds(name: string, fields?: Record<string, unknown>): this {
    if (fields !== undefined) this.store(name, fields);
    return this.on(`GET /v1/secret/data/${name}`, () => this.answerOf(name))
      .on(`POST /v1/secret/data/${name}`, ({ content }) => {
        const { data, options } = content as {
          data: Record<string, unknown>;
          options?: { cas: number };
        };
        if (options !== undefined && options.cas !== (this.#versions.get(name) ?? 0)) {
          const errors = ['check-and-set parameter did not match the current version'];
          return { status: 400, body: { errors } };
        }
        return { body: { data: { version: this.store(name, data) } } };
      })
      .on(`DELETE /v1/secret/data/${name}`, () => {
        this.fields.set(name, null);
        return { status: 204 };
      })
      .on(`GET /v1/secret/metadata/${name}`, { body: { data: { custom_metadata: null } } })
      .on(`POST /v1/secret/metadata/${name}`, { status: 204 });
  }

  private store(name: string, fields: Record<string, unknown>): number {
    const version = (this.#versions.get(name) ?? 0) + 1;
    this.#versions.set(name, version);
    this.fields.set(name, fields);
    return version;
  }

  private answerOf(name: string): FakeAnswer {
    const data = this.fields.get(name);
    if (data === undefined) return { status: 404, body: { errors: [] } };
    const version = this.#versions.get(name);
    return { status: data ? 200 : 404, body: { data: { data, metadata: { version } } } };
  }
}

describe('the manager for Vault, at KV 2,', () => {
  let vault: Kv2Server;
  let managers: VaultSecretManager[];

  beforeEach(async () => {
    vault = new Kv2Server();
    await vault.start();
    managers = [];
  });

  afterEach(async () => {
    await closeApplications();
    await Promise.all(managers.map((manager) => manager.close()));
    await vault.stop();
  });

  function managerWith(options: Partial<VaultSecretManagerOptions> = {}): VaultSecretManager {
    const auth = { method: 'token', token: 's.x' } as const;
    const manager = new VaultSecretManager({ address: vault.address, auth, ...options });
    managers.push(manager);
    return manager;
  }

  const appWith = (options: Partial<VaultSecretManagerOptions> = {}): Promise<Started> =>
    startWith(managerWith(options), { settings: { accessMode: 'read_and_write' } });

  const writes = (): string[] => vault.asked.filter((request) => !request.startsWith('GET'));

  describe('writing a value with a description or tags', () => {
    it.each<[string, object]>([
      ['a tag with the name of the description', { tags: { description: 'x' } }],
      ['a tag with a long name', { tags: { ['é'.repeat(65)]: 'x' } }],
      ['a tag without a name', { tags: { '': 'x' } }],
      ['a long tag', { tags: { team: 'é'.repeat(257) } }],
      ['a long description', { description: 'x'.repeat(513) }],
      ['an empty description', { description: '' }],
      ['a description of two lines', { description: 'a\nb' }],
      [
        'too many tags',
        {
          tags: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`tag-${index}`, 'x'])),
        },
      ],
    ])('refuses %s before any request', async (_, options) => {
      vault.holds('KEY', { value: 'old' });

      const { code } = await failureOf(managerWith().writeSecret('KEY', 'new', options));

      expect(code).toBe('INVALID_ARGUMENT');
      expect(vault.asked.filter((request) => request.includes('KEY'))).toEqual([]);
    });

    it('refuses one too many beside the existing ones', async () => {
      const tags = Object.fromEntries(
        Array.from({ length: 64 }, (_, index) => [`tag-${index}`, 'x']),
      );
      vault.holds('KEY', { value: 'old' });
      vault.on('GET /v1/secret/metadata/KEY', { body: { data: { custom_metadata: tags } } });

      const { code } = await failureOf(
        managerWith().writeSecret('KEY', 'new', { description: 'one more' }),
      );

      expect([code, writes()]).toEqual(['INVALID_ARGUMENT', []]);
    });

    it('writes nothing if the existing description may not be read', async () => {
      vault.holds('KEY', { value: 'old' }).on('GET /v1/secret/metadata/KEY', DENIED);

      const { code } = await failureOf(
        managerWith().writeSecret('KEY', 'new', { description: 'd' }),
      );

      expect([code, writes()]).toEqual(['ACCESS_DENIED', []]);
    });

    it.each<[string, FakeAnswer]>([
      ['is denied', DENIED],
      ['is refused', { status: 400, body: { errors: ['x'] } }],
      ['is too much', { status: 429, body: { errors: [] } }],
      ['meets an outage', { status: 503, body: { errors: ['Vault is sealed'] } }],
    ])(
      'reports that the value was written, and serves it, if the description %s',
      async (_, answer) => {
        vault.holds('KEY', { value: 'old' }).on('POST /v1/secret/metadata/KEY', answer);
        const { secrets } = await appWith();
        await secrets.get('KEY');

        const { code, message } = await failureOf(secrets.set('KEY', 'new', { description: 'd' }));

        expect([code, message]).toEqual([
          'UNKNOWN',
          expect.stringMatching(/^The value was written, but /),
        ]);
        await expect(secrets.get('KEY')).resolves.toBe('new');
      },
    );
  });

  describe('with a version or a field', () => {
    it('neither writes nor deletes a version', async () => {
      vault.holds('KEY', { value: 'v' });
      const manager = managerWith();

      const failures = [
        await failureOf(manager.writeSecret('KEY', 'w', { params: { version: 1 } })),
        await failureOf(manager.deleteSecret('KEY', { params: { version: 1 } })),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
      expect(writes()).toEqual([]);
    });

    it('deletes that field, and then the secret with its last one', async () => {
      vault.holds('KEY', { username: 'u', password: 'p' });
      const manager = managerWith({ field: 'password' });

      await manager.deleteSecret('KEY');
      const rest = vault.fields.get('KEY');
      await manager.deleteSecret('KEY', { params: { field: 'username' } });

      expect([rest, vault.fields.get('KEY')]).toEqual([{ username: 'u' }, null]);
    });

    it('deletes nothing for a missing field', async () => {
      vault.holds('KEY', { username: 'u' });

      await managerWith().deleteSecret('KEY', { params: { field: 'password' } });

      expect(writes()).toEqual([]);
    });

    it('creates the field beside the others, and refuses an existing one', async () => {
      vault.holds('KEY', { username: 'u' });
      const manager = managerWith({ field: 'password' });

      await manager.writeSecret('KEY', 'p', { createOnly: true });
      const { code } = await failureOf(manager.writeSecret('KEY', 'q', { createOnly: true }));

      expect(code).toBe('CONFLICT');
      expect(vault.fields.get('KEY')).toEqual({ username: 'u', password: 'p' });
    });

    it('moves only that field when the secret is renamed', async () => {
      vault.holds('db', { username: 'u', password: 'p' }).holds('db2');
      const { secrets } = await appWith({ field: 'password' });

      await secrets.rotate('db', { name: 'db2', value: 'p2' });

      expect(vault.fields.get('db')).toEqual({ username: 'u' });
      expect(vault.fields.get('db2')).toEqual({ password: 'p2' });
    });

    it('loses no field of concurrent writes and deletions', async () => {
      vault.holds('KEY', { old: 'x', kept: 'y' });
      const manager = managerWith();
      const fields = Array.from({ length: 20 }, (_, index) => `field-${index}`);

      await Promise.all([
        ...fields.map((field) => manager.writeSecret('KEY', 'v', { params: { field } })),
        manager.deleteSecret('KEY', { params: { field: 'old' } }),
      ]);

      expect(Object.keys(vault.fields.get('KEY') ?? {}).sort()).toEqual(['kept', ...fields].sort());
    });

    it('retries while other writes come first', async () => {
      let others = 0;
      vault.holds('KEY', { value: 'v' });
      vault.on('POST /v1/secret/data/KEY', () =>
        (others += 1) <= 6
          ? { status: 400, body: { errors: ['check-and-set parameter did not match'] } }
          : { body: { data: { version: 9 } } },
      );

      const { version } = await managerWith({ field: 'a' }).writeSecret('KEY', 'v');

      expect(version).toBe('9');
    });

    it('fails with CONFLICT at the deadline of the call', async () => {
      vault.holds('KEY', { value: 'v' }).on('POST /v1/secret/data/KEY', {
        status: 400,
        body: { errors: ['check-and-set parameter did not match'] },
      });

      const write = managerWith({ field: 'a' }).writeSecret('KEY', 'v', { timeoutMs: 700 });

      expect((await failureOf(write)).code).toBe('CONFLICT');
    });
  });

  describe('with a mount of KV 1', () => {
    const mount = (data: object): FakeAnswer => ({ body: { data } });
    const ASKING = 'GET /v1/sys/internal/ui/mounts/secret';

    it.each([
      ['no options', { type: 'kv', options: null }],
      ['other options', { type: 'kv', options: { version: '1' } }],
      ['its old name', { type: 'generic' }],
    ])('reports that for a missing secret, by %s', async (_, data) => {
      vault.on(ASKING, mount(data));
      const manager = managerWith();

      const failures = [
        await failureOf(manager.readSecret('NONE')),
        await failureOf(manager.readSecret('NONE')),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['MISCONFIGURED', 'MISCONFIGURED']);
      expect(failures[0]?.message).toContain('Set kvVersion to 1');
    });

    it('reports that for a write in the form of KV 1, and where the value is', async () => {
      vault.on('POST /v1/secret/data/KEY', { status: 204 });

      const { code, message } = await failureOf(managerWith().writeSecret('KEY', 'v'));

      expect([code, message]).toEqual(['MISCONFIGURED', expect.stringContaining('"data/KEY"')]);
    });

    it.each<[string, FakeAnswer, number]>([
      ['once if it is of KV 2', mount({ type: 'kv', options: { version: '2' } }), 1],
      ['once if the mount may not be read', DENIED, 1],
      ['again after an outage', { status: 503, body: { errors: ['Vault is sealed'] } }, 2],
    ])('asks %s, and continues', async (_, answer, times) => {
      vault.on(ASKING, answer);
      const manager = managerWith();

      const readings = [await manager.readSecret('NONE'), await manager.readSecret('NONE')];

      expect(readings).toEqual([undefined, undefined]);
      expect(vault.asked.filter((request) => request === ASKING)).toHaveLength(times);
    });
  });

  describe('for a name with a part sys or auth', () => {
    const ASKING = 'GET /v1/sys/internal/ui/mounts/secret';
    const NAME = 'app/sys/policies/acl/p';

    it('writes and deletes below a mount of KV, and asks for the mount once', async () => {
      vault.on(ASKING, { body: { data: { type: 'kv', options: { version: '2' } } } });
      vault.holds(NAME, { value: 'v' });
      const manager = managerWith();

      await manager.writeSecret(NAME, 'w');
      await manager.writeSecret(NAME, 'x');
      const asked = vault.asked.filter((request) => request === ASKING);
      await manager.deleteSecret(NAME);

      expect(asked).toHaveLength(1);
      expect(writes()).toEqual([
        `POST /v1/secret/data/${NAME}`,
        `POST /v1/secret/data/${NAME}`,
        `DELETE /v1/secret/data/${NAME}`,
      ]);
    });

    it.each<[string, FakeAnswer, string]>([
      ['may be a namespace', DENIED, 'INVALID_ARGUMENT'],
      ['is another engine', { body: { data: { type: 'pki' } } }, 'INVALID_ARGUMENT'],
      ['cannot be asked for', { status: 503, body: { errors: ['x'] } }, 'UNAVAILABLE'],
    ])('changes nothing below a path that %s', async (_, answer, code) => {
      vault.on(ASKING, answer);
      const manager = managerWith();

      const failures = [
        await failureOf(manager.writeSecret(NAME, 'w')),
        await failureOf(manager.writeSecret(NAME, 'w', { params: { field: 'f' } })),
        await failureOf(manager.deleteSecret(NAME)),
        await failureOf(manager.deleteSecret(NAME, { recoveryWindowInDays: 0 })),
      ];

      expect(failures.map((failure) => failure.code)).toEqual(Array(4).fill(code));
      expect(writes()).toEqual([]);
    });
  });

  describe('for a manager of KV 1', () => {
    const ASKING = 'GET /v1/sys/internal/ui/mounts/kv';

    it.each<[string, (manager: VaultSecretManager) => Promise<unknown>]>([
      ['read', (manager) => manager.readSecret('KEY')],
      [
        'batch',
        async (manager) => {
          throw (await manager.readSecrets(['KEY'])).get('KEY') as Error;
        },
      ],
      ['write', (manager) => manager.writeSecret('KEY', 'v')],
      [
        'write of a field',
        (manager) => manager.writeSecret('KEY', 'v', { params: { field: 'f' } }),
      ],
      ['deletion', (manager) => manager.deleteSecret('KEY')],
    ])('reports for a denied %s that the mount is of KV 2', async (_, ask) => {
      for (const method of ['GET', 'POST', 'DELETE']) vault.on(`${method} /v1/kv/KEY`, DENIED);
      vault.on(ASKING, { body: { data: { type: 'kv', options: { version: '2' } } } });

      const failure = await failureOf(ask(managerWith({ mount: 'kv', kvVersion: 1 })));

      expect([failure.code, failure.message]).toEqual([
        'MISCONFIGURED',
        expect.stringContaining('Set kvVersion to 2'),
      ]);
    });

    it.each<[string, FakeAnswer]>([
      ['the mount is of KV 1', { body: { data: { type: 'kv', options: null } } }],
      ['the mount may not be read', DENIED],
    ])('keeps a denial if %s, and asks once', async (_, answer) => {
      vault.on('GET /v1/kv/KEY', DENIED).on(ASKING, answer);
      const manager = managerWith({ mount: 'kv', kvVersion: 1 });

      const failures = [
        await failureOf(manager.readSecret('KEY')),
        await failureOf(manager.readSecret('KEY')),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED']);
      expect(vault.asked.filter((request) => request === ASKING)).toHaveLength(1);
    });

    it('deletes only the chosen field, and the secret with its last one', async () => {
      vault.on('GET /v1/kv/KEY', { body: { data: { username: 'u', password: 'p' } } });
      vault.on('POST /v1/kv/KEY', { status: 204 });
      const manager = managerWith({ mount: 'kv', kvVersion: 1, field: 'password' });

      await manager.deleteSecret('KEY');

      expect(vault.requests.find(({ method }) => method === 'POST')?.content).toEqual({
        username: 'u',
      });
      expect(writes()).toEqual(['POST /v1/kv/KEY']);
    });
  });
});
