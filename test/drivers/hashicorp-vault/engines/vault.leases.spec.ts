import { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { eventually } from '../../../integration/support/eventually';
import { failureOf } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer } from '../../../support/fake-vault';

/** Creates the credentials `user-1`, `user-2`, ... with leases of ten minutes by default. */
class Server extends FakeVault {
  made = 0;
  seconds = 600;
  renewable = true;
  renewal: FakeAnswer | (() => undefined) | undefined;

  constructor() {
    super();
    this.on('POST /v1/auth/approle/login', {
      body: { auth: { client_token: 's.1', lease_duration: 3_600, renewable: true } },
    });
    this.on('GET /v1/database/creds/app', () => this.credentials());
    this.on('PUT /v1/sys/leases/renew', () => {
      if (typeof this.renewal === 'function') return this.renewal();
      return this.renewal ?? { body: { lease_duration: this.seconds, renewable: true } };
    });
    this.on('PUT /v1/sys/leases/revoke', { status: 204 });
  }

  private credentials(): FakeAnswer {
    const number = (this.made += 1);
    return {
      body: {
        lease_id: `database/creds/app/${number}`,
        lease_duration: this.seconds,
        renewable: this.renewable,
        data: { username: `user-${number}`, password: `password-${number}` },
      },
    };
  }

  /** Delays requests for credentials until they are released. */
  delayCredentials(): { begun: Promise<void>; release: () => void } {
    let release = (): void => undefined;
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    this.on('GET /v1/database/creds/app', async () => {
      const answer = this.credentials();
      begin();
      await released;
      return answer;
    });
    return { begun, release };
  }

  /** The number of requests to a path. */
  count(part: string): number {
    return this.asked.filter((request) => request.includes(part)).length;
  }
}

describe('a lease of Vault', () => {
  let vault: Server;
  let manager: VaultSecretManager;

  beforeEach(async () => {
    vault = new Server();
    await vault.start();
    manager = new VaultSecretManager({
      address: vault.address,
      auth: { method: 'approle', roleId: 'r' },
      kvVersion: 'none',
    });
  });

  afterEach(async () => {
    await manager.close();
    await vault.stop();
  });

  const read = async (field?: string): Promise<string | undefined> =>
    (await manager.readSecret('database/creds/app', { params: { field } }))?.value;

  it('is valid for nine tenths of its time, so that it can still be used, and has the JSON of its fields', async () => {
    const reading = await manager.readSecret('database/creds/app');

    expect(reading?.value).toBe('{"username":"user-1","password":"password-1"}');
    expect(reading?.validForMs).toBeGreaterThan(530_000);
    expect(reading?.validForMs).toBeLessThanOrEqual(540_000);
  });

  it('expires no later than the token that asked for it', async () => {
    vault.seconds = 36_000;

    const reading = await manager.readSecret('database/creds/app');

    expect(reading?.validForMs).toBeLessThanOrEqual(3_600_000);
  });

  it('is one pair of name and password, whichever is read first', async () => {
    const [username, password] = await Promise.all([read('username'), read('password')]);
    const again = await read('username');

    expect([username, password, again]).toEqual(['user-1', 'password-1', 'user-1']);
    expect(vault.made).toBe(1);
  });

  it('is renewed by the next read, not replaced', async () => {
    await read();

    await read();

    expect([vault.made, vault.count('renew')]).toEqual([1, 1]);
  });

  it('is replaced if the server ends it soon', async () => {
    await read();
    vault.renewal = { body: { lease_duration: 5 } };

    expect(await read('username')).toBe('user-2');
  });

  it('is replaced if the server has forgotten it', async () => {
    await read();
    vault.renewal = { status: 400, body: { errors: ['lease not found'] } };

    expect(await read('username')).toBe('user-2');
  });

  it('is replaced by the token that follows the one that asked for it', async () => {
    await read();
    let logins = 0;
    vault.on('POST /v1/auth/approle/login', () => ({
      body: { auth: { client_token: `s.next-${(logins += 1)}`, lease_duration: 60 } },
    }));
    vault.on('GET /v1/elsewhere/x', ({ headers }) =>
      headers['x-vault-token'] === 's.1'
        ? { status: 403, body: { errors: ['permission denied'] } }
        : { body: { data: { value: 'v' } } },
    );

    await manager.readSecret('elsewhere/x');

    expect(await read('username')).toBe('user-2');
  });

  describe('while its token is refused elsewhere', () => {
    let logins: number;
    let make: () => void;

    /** Reads a lease whose creation waits until the token was refused. */
    const readMeanwhile = async (nextLogin: FakeAnswer) => {
      await manager.readSecret('elsewhere/warm');
      const made = vault.delayCredentials();
      make = made.release;
      const reading = manager.readSecret('database/creds/app');
      await made.begun;
      vault.on('POST /v1/auth/approle/login', () => {
        logins += 1;
        return nextLogin;
      });
      vault.on('GET /v1/elsewhere/x', ({ headers }) =>
        headers['x-vault-token'] === 's.1'
          ? { status: 403, body: { errors: ['permission denied'] } }
          : { body: { data: { value: 'v' } } },
      );
      await manager.readSecret('elsewhere/x').catch(() => undefined);
      make();
      return await reading;
    };

    beforeEach(() => (logins = 0));

    it('stays bound to the token that asked for it', async () => {
      const next = { body: { auth: { client_token: 's.2', lease_duration: 60, renewable: true } } };

      const reading = await readMeanwhile(next);
      const after = await read('username');

      expect(reading?.validForMs).toBeGreaterThan(60_000);
      expect([logins, after]).toEqual([1, 'user-2']);
    });

    it('is a lease even without a token', async () => {
      const reading = await readMeanwhile({ status: 503, body: { errors: ['Vault is sealed'] } });

      expect(reading?.validForMs).toBeLessThanOrEqual(540_000);
    });
  });

  it('expires at once if the server sends no duration', async () => {
    vault.on('GET /v1/database/creds/app', {
      body: { lease_id: 'database/creds/app/1', data: { username: 'u' } },
    });

    expect(await manager.readSecret('database/creds/app')).toEqual({ value: 'u', validForMs: 0 });
  });

  it('stays in flight for the others when one waiting caller aborts or times out', async () => {
    await manager.readSecret('elsewhere/warm');
    const made = vault.delayCredentials();
    const controller = new AbortController();
    const options = (field: string) => ({ params: { field } });
    const first = { ...options('username'), signal: controller.signal };
    const second = { ...options('username'), timeoutMs: 20 };

    const failures = [
      failureOf(manager.readSecret('database/creds/app', first)),
      failureOf(manager.readSecret('database/creds/app', second)),
    ];
    const reading = manager.readSecret('database/creds/app', options('password'));
    await made.begun;
    controller.abort();
    const codes = (await Promise.all(failures)).map(({ code }) => code);
    made.release();

    expect(codes).toEqual(['CANCELLED', 'TIMEOUT']);
    expect((await reading)?.value).toBe('password-1');
    expect(vault.made).toBe(1);
  });

  it('is cancelled with its last waiting caller, and requested again by the next', async () => {
    await manager.readSecret('elsewhere/warm');
    const made = vault.delayCredentials();
    const controller = new AbortController();

    const { signal } = controller;
    const failure = failureOf(manager.readSecret('database/creds/app', { signal }));
    await made.begun;
    controller.abort();
    const { code } = await failure;
    const next = read('username');
    made.release();

    expect([code, await next]).toEqual(['CANCELLED', 'user-2']);
  });

  it('is forgotten with the token that it expired with', async () => {
    vault.seconds = 0.3;
    let renewals = 0;
    vault.on('PUT /v1/sys/leases/renew', () => {
      renewals += 1;
      return { status: 403, body: { errors: ['permission denied'] } };
    });
    await read();

    await eventually('it was not renewed', () => renewals > 0);
    vault.seconds = 600;
    await eventually('it was not forgotten', async () => (await read('username')) === 'user-2');
    await manager.close();

    expect(vault.count('leases/revoke')).toBe(1); // only the new lease: the old one was forgotten
  });

  it('is not returned after the machine has slept beyond its end', async () => {
    vault.renewable = false;
    await read();
    const { now: wallClock } = Date;
    const asleep = jest.spyOn(Date, 'now').mockImplementation(() => wallClock() + 601_000);

    const user = await read('username');
    asleep.mockRestore();

    expect(user).toBe('user-2');
  });

  it('fails the read if it cannot be renewed', async () => {
    await read();
    vault.renewal = { status: 503, body: { errors: ['Vault is sealed'] } };

    const { code } = await failureOf(read());

    expect(code).toBe('UNAVAILABLE');
    expect(vault.made).toBe(1);
  });

  it('is kept for the first half of a lease that cannot be renewed', async () => {
    vault.renewable = false;

    const users = [await read('username'), await read('username')];

    expect(users).toEqual(['user-1', 'user-1']);
    expect(vault.count('renew')).toBe(0);
  });

  it('is renewed without reads', async () => {
    vault.seconds = 0.3;
    const renewed = new Promise<void>((resolve) => {
      vault.on('PUT /v1/sys/leases/renew', ({ content }) => {
        resolve();
        return { body: { lease_duration: 600, echo: content } };
      });
    });

    await read();

    await expect(renewed).resolves.toBeUndefined();
  });

  it('is revoked on close', async () => {
    await read();

    await manager.close();

    const revoked = vault.requests.find(({ path }) => path.endsWith('/revoke'))?.content;
    expect(revoked).toEqual({ lease_id: 'database/creds/app/1', sync: true });
  });

  it('does not delay close if the server hangs', async () => {
    await read();
    vault.on('PUT /v1/sys/leases/revoke', () => undefined);
    vault.on('POST /v1/auth/token/revoke-self', () => undefined);

    await expect(manager.close()).resolves.toBeUndefined();
  });

  it('of a static role is valid until the server rotates it, and comes without a lease', async () => {
    const data = { username: 'u', password: 'p', ttl: 42, last_vault_rotation: '2026-01-01' };
    vault.on('GET /v1/database/static-creds/app', {
      body: { lease_id: '', lease_duration: 0, data },
    });

    const params = { field: 'password' };
    const reading = await manager.readSecret('database/static-creds/app', { params });

    expect(reading).toEqual({ value: 'p', validForMs: 42_000 });
  });

  it('of a role that does not exist is absent', async () => {
    vault.on('GET /v1/database/creds/none', {
      status: 400,
      body: { errors: ['unknown role: none'] },
    });

    expect(await manager.readSecret('database/creds/none')).toBeUndefined();
  });

  it('is not assumed for KV 1, whatever its lease_duration', async () => {
    const body = { lease_id: '', lease_duration: 2_764_800, renewable: false, data: { key: 'v' } };
    vault.on('GET /v1/kv/KEY', { body });

    const reading = await manager.readSecret('KEY', { params: { mount: 'kv', kvVersion: 1 } });

    expect(reading).toEqual({ value: 'v', validForMs: undefined });
  });
});

describe('the value of a secret with fields', () => {
  let vault: FakeVault;
  let manager: VaultSecretManager;

  beforeEach(async () => {
    vault = await new FakeVault().start();
    const auth = { method: 'token', token: 's.x' } as const;
    manager = new VaultSecretManager({ address: vault.address, auth });
  });

  afterEach(async () => {
    await manager.close();
    await vault.stop();
  });

  it.each<[string, object, string | undefined, string | undefined]>([
    ['the only field', { password: 'p' }, undefined, 'p'],
    ['`value` before all', { key: 'k', value: 'v', other: 'o' }, undefined, 'v'],
    ['`key` without `value`', { other: 'o', key: 'k' }, undefined, 'k'],
    ['the JSON of several others', { a: '1', b: '2' }, undefined, '{"a":"1","b":"2"}'],
    ['the field that was chosen', { value: 'v', b: '2' }, 'b', '2'],
    ['nothing for null', { value: null }, undefined, undefined],
    ['a number as its text', { value: 1.5 }, undefined, '1.5'],
    ['a boolean as its text', { value: true }, undefined, 'true'],
    ['an object as its JSON', { value: { a: [1] } }, undefined, '{"a":[1]}'],
    ['an empty string unchanged', { value: '' }, undefined, ''],
    ['the JSON of no field at all', {}, undefined, '{}'],
  ])('is %s', async (_, fields, field, value) => {
    vault.keep('KEY', fields);

    const reading = await manager.readSecret('KEY', { params: { field } });

    expect(reading?.value).toBe(value);
  });

  it('is MALFORMED if a number is too large', async () => {
    vault.on('GET /v1/secret/data/KEY', {
      body: '{"data":{"data":{"value":12345678901234567000},"metadata":{"version":1}}}',
    });

    const { code, message } = await failureOf(manager.readSecret('KEY'));

    expect([code, message]).toEqual(['MALFORMED', expect.stringContaining('in quotes')]);
  });

  it('is written to a chosen field without losing the others', async () => {
    vault.keep('KEY', { username: 'u', password: 'old' });
    vault.on('POST /v1/secret/data/KEY', { body: { data: { version: 2 } } });

    await manager.writeSecret('KEY', 'new', { params: { field: 'password' } });

    const written = vault.requests.find(({ method }) => method === 'POST')?.content;
    expect(written).toEqual({ data: { username: 'u', password: 'new' }, options: { cas: 1 } });
  });
});
