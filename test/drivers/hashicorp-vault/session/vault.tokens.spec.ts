import {
  VaultSecretManager,
  type VaultAuth,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failureOf } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer, type FakeRequest } from '../../../support/fake-vault';

const APPROLE: VaultAuth = { method: 'approle', roleId: 'role', secretId: 'secret' };
const DEAD: FakeAnswer = { status: 403, body: { errors: ['permission denied'] } };
const DENIED: FakeAnswer = {
  status: 403,
  body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] },
};
const FOUND: FakeAnswer = { body: { data: { data: { value: 'v' }, metadata: { version: 1 } } } };
const MINUTE_MS = 60_000;

/** Grants the tokens `s.1`, `s.2`, ... The secret `DENIED` is denied to every token, `NEW` only to the first. */
class Server extends FakeVault {
  logins = 0;
  made = 0;
  readonly revoked: string[] = [];

  constructor() {
    super();
    const tokenOf = ({ headers }: FakeRequest) => String(headers['x-vault-token']);
    this.on('POST /v1/auth/approle/login', () => {
      const token = `s.${(this.logins += 1)}`;
      return { body: { auth: { client_token: token, lease_duration: 86_400, renewable: true } } };
    });
    this.on('POST /v1/auth/token/revoke-self', (request) => {
      this.revoked.push(tokenOf(request));
      return { status: 204 };
    });
    this.on('GET /v1/secret/data/KEY', FOUND);
    this.on('GET /v1/secret/data/DENIED', DENIED);
    this.on('GET /v1/secret/data/NEW', (request) => (tokenOf(request) === 's.1' ? DENIED : FOUND));
    this.on('GET /v1/database/creds/app', () => ({
      body: {
        lease_id: `database/creds/app/${(this.made += 1)}`,
        lease_duration: 100,
        renewable: false,
        data: { username: `user-${this.made}` },
      },
    }));
    this.on('PUT /v1/sys/leases/revoke', { status: 204 });
  }

  count(part: string): number {
    return this.asked.filter((request) => request.includes(part)).length;
  }
}

describe('the tokens of the manager for Vault', () => {
  let vault: Server;
  let manager: VaultSecretManager;
  let folder: string;

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    folder = mkdtempSync(join(tmpdir(), 'vault-'));
    vault = new Server();
    await vault.start();
    use(APPROLE);
  });

  afterEach(async () => {
    jest.useRealTimers();
    await manager.close();
    await vault.stop();
    rmSync(folder, { recursive: true });
  });

  function use(auth: VaultAuth): void {
    const retryDeniedWithFreshLogin = true;
    manager = new VaultSecretManager({ address: vault.address, auth, retryDeniedWithFreshLogin });
  }

  const creds = async () =>
    (await manager.readSecret('creds/app', { params: { mount: 'database', kvVersion: 'none' } }))
      ?.value;

  /** Advances the clock and lets the server answer pending requests. */
  async function pass(delayMs: number): Promise<void> {
    await jest.advanceTimersByTimeAsync(delayMs);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  it('are revoked at once if a fresh one gets the same denial, and nothing else changes', async () => {
    const before = await creds();

    await failureOf(manager.readSecret('DENIED'));
    await pass(0);

    expect([vault.logins, vault.revoked]).toEqual([2, ['s.2']]);
    expect([before, await creds(), vault.made]).toEqual(['user-1', 'user-1', 1]);
  });

  it('are requested ever more rarely for one denial', async () => {
    const logins: number[] = [];
    for (let minute = 0; minute < 120; minute++) {
      await failureOf(manager.readSecret('DENIED'));
      logins.push(vault.logins);
      await pass(MINUTE_MS);
    }

    // each pause is twice the last one, up to half an hour
    const moments = logins.flatMap((count, minute) =>
      count === logins[minute - 1] ? [] : [minute],
    );
    expect(moments).toEqual([0, 1, 2, 4, 8, 16, 32, 62, 92]);
    expect(vault.revoked).toHaveLength(vault.logins - 1);
  });

  it('are requested at most twice a minute for many denials', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `DENIED-${index}`);
    for (const name of names) vault.on(`GET /v1/secret/data/${name}`, DENIED);

    await Promise.all(names.map((name) => failureOf(manager.readSecret(name))));
    for (const name of names) await failureOf(manager.readSecret(name));

    expect(vault.logins).toBe(2);
  });

  it('are replaced by a fresh one that helps, for all denied requests', async () => {
    await manager.readSecret('KEY');

    const readings = await Promise.all([manager.readSecret('NEW'), manager.readSecret('NEW')]);

    expect(readings.map((reading) => reading?.value)).toEqual(['v', 'v']);
    expect([vault.logins, vault.revoked]).toEqual([2, []]);
  });

  it('are revoked after a replacement, once their requests have had time to end', async () => {
    await manager.readSecret('NEW');

    await pass(MINUTE_MS);

    expect(vault.revoked).toEqual(['s.1']);
  });

  it('are not revoked while a lease depends on them', async () => {
    await creds(); // a lease of 100 s
    await manager.readSecret('NEW');

    await pass(MINUTE_MS);
    const before = [...vault.revoked];
    await pass(MINUTE_MS);

    expect([before, vault.revoked]).toEqual([[], ['s.1']]);
  });

  it('are revoked on close, even replaced ones', async () => {
    await creds();
    await manager.readSecret('NEW');

    await manager.close();

    expect(vault.revoked.sort()).toEqual(['s.1', 's.2']);
  });

  it('are not revoked if the server has forgotten them', async () => {
    await manager.readSecret('KEY');
    vault.on('GET /v1/secret/data/KEY', ({ headers }) =>
      headers['x-vault-token'] === 's.1' ? DEAD : FOUND,
    );

    await manager.readSecret('KEY');
    await manager.close();

    expect(vault.revoked).toEqual(['s.2']);
  });

  it('are revoked if they are granted during close', async () => {
    let grant = (): void => undefined;
    const granted = new Promise<void>((resolve) => (grant = resolve));
    const asked = new Promise<void>((resolve) => {
      vault.on('POST /v1/auth/approle/login', async () => {
        resolve();
        await granted;
        return { body: { auth: { client_token: 's.late', lease_duration: 60, renewable: true } } };
      });
    });
    const reading = manager.readSecret('KEY').catch(() => undefined);
    await asked;

    const closing = manager.close();
    grant();
    await Promise.all([closing, reading]);

    expect(vault.revoked).toEqual(['s.late']);
  });

  it('delay close by at most three seconds', async () => {
    await creds();
    vault.on('PUT /v1/sys/leases/revoke', () => undefined);
    vault.on('POST /v1/auth/token/revoke-self', () => undefined);

    const closing = manager.close();
    await pass(3_000);

    await expect(closing).resolves.toBeUndefined();
  });

  it('that were given are renewed, however late the server reports their duration', async () => {
    vault.on('GET /v1/auth/token/lookup-self', { status: 503, body: { errors: [] } });
    use({ method: 'token', token: 's.given' });
    await manager.readSecret('KEY');
    for (let count = 0; count < 10; count++) await pass(30_000);

    vault.on('GET /v1/auth/token/lookup-self', { body: { data: { ttl: 60, renewable: true } } });
    await pass(30_000);
    await pass(40_000);

    expect(vault.count('renew-self')).toBe(1);
    expect(vault.count('lookup-self')).toBeGreaterThan(8);
    expect(vault.count('lookup-self')).toBeLessThan(20);
  });

  it('of a file are read again only if the file has changed', async () => {
    const path = join(folder, 'token');
    writeFileSync(path, 's.file');
    use({ method: 'token-file', path });
    for (let count = 0; count < 20; count++) await failureOf(manager.readSecret('DENIED'));
    const before = vault.count('lookup-self');

    utimesSync(path, 1, 1);
    await failureOf(manager.readSecret('DENIED'));

    expect([before, vault.count('lookup-self')]).toEqual([1, 1]);
    expect(vault.count('DENIED')).toBe(21);
  });
});
