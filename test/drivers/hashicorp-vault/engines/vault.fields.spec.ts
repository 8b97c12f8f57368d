import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer } from '../../../support/fake-vault';

const LONG = '12345678901234567890';
const CANARY = 'canary-3e9a70d1';

/** The place of the fields of `KEY`, as the source text of a JSON object, and the options to read them. */
interface Mount {
  readonly kvVersion: 1 | 2 | 'none';
  readonly path: string;
  readonly answerWith: (fields: string) => FakeAnswer;
  readonly sentIn: (text: string) => string;
}

const KV1: Mount = {
  kvVersion: 1,
  path: '/v1/secret/KEY',
  answerWith: (fields) => ({ body: `{"lease_id":"","data":${fields}}` }),
  sentIn: (text) => text,
};
const KV2: Mount = {
  kvVersion: 2,
  path: '/v1/secret/data/KEY',
  answerWith: (fields) => ({ body: `{"data":{"data":${fields},"metadata":{"version":1}}}` }),
  sentIn: (text) => text.replace(/^\{"data":/, '').replace(/,"options":\{"cas":1\}\}$/, ''),
};
const ANY: Mount = { ...KV1, kvVersion: 'none' };

describe('the fields of a secret in Vault', () => {
  let vault: FakeVault;
  let managers: VaultSecretManager[];

  beforeEach(async () => {
    vault = await new FakeVault().start();
    managers = [];
  });

  afterEach(async () => {
    await Promise.all(managers.map((manager) => manager.close()));
    await vault.stop();
  });

  function managerOf(
    { kvVersion, path, answerWith }: Mount,
    fields: string,
    options: Partial<VaultSecretManagerOptions> = {},
  ): VaultSecretManager {
    vault.on(`GET ${path}`, answerWith(fields));
    vault.on(
      `POST ${path}`,
      kvVersion === 2 ? { body: { data: { version: 2 } } } : { status: 204 },
    );
    const auth = { method: 'token', token: 's.x' } as const;
    const manager = new VaultSecretManager({
      address: vault.address,
      auth,
      mount: 'secret',
      kvVersion,
      ...options,
    });
    managers.push(manager);
    return manager;
  }

  const written = (mount: Mount): string[] =>
    vault.requests.filter(({ method }) => method === 'POST').map(({ text }) => mount.sentIn(text));

  describe.each([
    ['KV 1', KV1],
    ['KV 2', KV2],
    ['any path', ANY],
  ])('of %s', (_, mount) => {
    it.each(['1.10', LONG, `-${LONG}`, '1e3', '1.0', '0', '9007199254740991', '0.1', '1e400'])(
      'keeps the source text of the number %s',
      async (number) => {
        const manager = managerOf(mount, `{"account":${number},"user":"u"}`);

        const whole = await manager.readSecret('KEY');
        const one = await manager.readSecret('KEY', { params: { field: 'account' } });
        const batch = await manager.readSecrets(['KEY'], { params: { field: 'account' } });

        expect(whole?.value).toBe(`{"account":${number},"user":"u"}`);
        expect(one?.value).toBe(number);
        expect(batch.get('KEY')).toMatchObject({ value: number });
      },
    );

    it('keeps the source text of numbers deep inside a field', async () => {
      const manager = managerOf(mount, `{"a":{"b":[${LONG},{"c":1.10}]},"user":"u"}`);

      const reading = await manager.readSecret('KEY', { params: { field: 'a' } });

      expect(reading?.value).toBe(`{"b":[${LONG},{"c":1.10}]}`);
    });

    it('names a missing chosen field, and discloses nothing else', async () => {
      const manager = managerOf(mount, `{"user":"${CANARY}","${CANARY}":"x"}`, {
        field: 'passwrd',
      });

      const failures = [
        await failureOf(manager.readSecret('KEY')),
        await failureOf(manager.readSecret('KEY', { params: { field: 'toString' } })),
        await failureOf(manager.readSecret('KEY', { params: { field: '__proto__' } })),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED', 'MALFORMED']);
      expect(failures[0]?.message).toContain('it has no field "passwrd"');
      expect(leaks(failures.map(everythingOf).join(), CANARY)).toBe(false);
    });

    it('treats a field that is null as absent', async () => {
      const manager = managerOf(mount, '{"user":"u","password":null}', { field: 'password' });

      await expect(manager.readSecret('KEY')).resolves.toBeUndefined();
    });
  });

  describe.each([
    ['KV 1', KV1],
    ['KV 2', KV2],
  ])('of %s', (_, mount) => {
    const NEIGHBOURS = `"a":${LONG},"b":1.10,"c":[1e3,{"d":-0}],"__proto__":"p","e":"\\ud800"`;

    it('sends the other fields unchanged with a write of one field', async () => {
      const manager = managerOf(mount, `{${NEIGHBOURS},"user":"u"}`, { field: 'user' });

      await manager.writeSecret('KEY', 'new');

      expect(written(mount)).toEqual([`{${NEIGHBOURS},"user":"new"}`]);
    });

    it('sends the other fields unchanged with a deletion of one field', async () => {
      const manager = managerOf(mount, `{${NEIGHBOURS},"user":"u"}`, { field: 'user' });

      await manager.deleteSecret('KEY');

      expect(written(mount)).toEqual([`{${NEIGHBOURS}}`]);
    });
  });

  const ROUNDED = ['12345678901234567000', '1e+21', '0.12345678901234568', '-9007199254740992'];

  describe.each([
    ['KV 1', KV1],
    ['KV 2', KV2],
    ['any path', ANY],
  ])('of %s', (_, mount) => {
    it.each(ROUNDED)('refuses %s, which may be rounded', async (number) => {
      const manager = managerOf(mount, `{"account":${number},"user":"u"}`);

      const failures = [
        await failureOf(manager.readSecret('KEY')),
        await failureOf(manager.readSecret('KEY', { params: { field: 'account' } })),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED']);
      expect(failures[0]?.message).toMatch(/its field "account" holds a number .* in quotes/);
      await expect(manager.readSecret('KEY', { params: { field: 'user' } })).resolves.toMatchObject(
        { value: 'u' },
      );
    });
  });

  it('of KV 1, whose server keeps their text, can be written beside a long number', async () => {
    const fields = '{"account":12345678901234567000,"user":"u"}';

    await managerOf(KV1, fields, { field: 'user' }).writeSecret('KEY', 'new');

    expect(written(KV1)).toEqual(['{"account":12345678901234567000,"user":"new"}']);
  });

  describe('of KV 2, whose server reads numbers as floats', () => {
    it.each(ROUNDED)('writes nothing beside %s, which may be rounded', async (number) => {
      const manager = managerOf(KV2, `{"a":{"b":[${number}]},"user":"u"}`, { field: 'user' });

      const failures = [
        await failureOf(manager.writeSecret('KEY', 'new')),
        await failureOf(manager.deleteSecret('KEY')),
      ];

      expect(failures.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED']);
      expect(written(KV2)).toEqual([]);
    });

    it('overwrites such a number if it is the written field', async () => {
      const manager = managerOf(KV2, '{"account":12345678901234567000,"user":"u"}');

      await manager.writeSecret('KEY', 'new', { params: { field: 'account' } });

      expect(written(KV2)).toEqual(['{"account":"new","user":"u"}']);
    });
  });
});
