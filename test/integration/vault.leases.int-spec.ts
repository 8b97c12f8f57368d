import type { VaultSecretManager } from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { randomUUID } from 'node:crypto';
import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { eventually } from './support/eventually';
import { keepReading, lasting } from './support/keep-reading';
import { Logins, type Grants } from './support/logins';
import { startOpenBao, type OpenBao } from './support/openbao';
import { startPostgres, type DatabaseLogin, type Postgres } from './support/postgres';
import { Proxy } from './support/proxy';
import { closeVaults, startVaultApp, vaultOn } from './support/vault';

const CREATION = [
  `CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`,
];

describe('credentials that OpenBao makes for PostgreSQL', () => {
  let postgres: Postgres;
  let bao: OpenBao;
  let proxy: Proxy;

  beforeAll(async () => {
    [postgres, bao] = await Promise.all([startPostgres(), startOpenBao()]);
    const { port, admin } = postgres;
    await bao.expect('POST', 'sys/mounts/database', { type: 'database' });
    await bao.expect('POST', 'database/config/pg', {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable`,
      username: admin.user,
      password: admin.password,
    });
    await bao.permit('database', { 'database/*': ['read'], 'sys/leases/revoke': ['update'] });
    await role('hour', '1h', '2h');
    await role('short', '3s', '9s');
  });

  beforeEach(async () => {
    proxy = new Proxy(bao.address);
    await proxy.start();
  });

  afterEach(async () => {
    await Promise.all([closeApplications(), closeVaults()]);
    await proxy.stop();
  });

  afterAll(() => Promise.all([postgres.stop(), bao.stop()]));

  const role = (name: string, ttl: string, maxTtl: string): Promise<unknown> =>
    bao.expect('POST', `database/roles/${name}`, {
      db_name: 'pg',
      creation_statements: CREATION,
      default_ttl: ttl,
      max_ttl: maxTtl,
    });

  const options = async (grants: Partial<Grants> = {}) => {
    const policies = ['database'];
    const ids = await new Logins(bao).appRole(randomUUID(), { policies, ttl: '1h', ...grants });
    const auth = { method: 'approle', ...ids } as const;
    return { address: proxy.address, auth, kvVersion: 'none' } as const;
  };

  const managerWith = async (grants?: Partial<Grants>): Promise<VaultSecretManager> =>
    vaultOn(bao, await options(grants));

  const credentials = async (manager: VaultSecretManager, name: string): Promise<DatabaseLogin> => {
    const reading = await manager.readSecret(`database/creds/${name}`);
    const { username, password } = JSON.parse(reading?.value ?? '{}') as Record<string, string>;
    return { user: username ?? '', password: password ?? '' };
  };

  it('open the database, and are valid for nine tenths of their lease', async () => {
    const manager = await managerWith({ ttl: '4h' });

    const reading = await manager.readSecret('database/creds/hour');

    const { username: user, password } = JSON.parse(reading?.value ?? '') as Record<string, string>;
    expect(reading?.validForMs).toBeGreaterThan(3_230_000);
    expect(reading?.validForMs).toBeLessThanOrEqual(3_240_000);
    await expect(postgres.accepts({ user: user ?? '', password: password ?? '' })).resolves.toBe(
      true,
    );
  });

  it('expire no later than the token that asked for them', async () => {
    const manager = await managerWith({ ttl: '60s' });

    const reading = await manager.readSecret('database/creds/hour');

    expect(reading?.validForMs).toBeLessThanOrEqual(60_000);
    expect(reading?.validForMs).toBeGreaterThan(50_000);
  });

  it('belong together, whichever field is read, through the whole application', async () => {
    const { secrets } = await startVaultApp(bao, await options());
    const read = (field: string) =>
      secrets.getOrThrow('creds/hour', { params: { mount: 'database', field } });

    const [user, password] = await Promise.all([read('username'), read('password')]);
    secrets.invalidate();
    const again = await read('username');

    await expect(postgres.accepts({ user, password })).resolves.toBe(true);
    expect(again).toBe(user);
    expect(proxy.count(/database\/creds/)).toBe(1);
  });

  it('are the same when they are read synchronously', async () => {
    const manager = vaultOn(bao, { ...(await options()), address: bao.address });
    const name = 'database/creds/hour';

    const first = manager.readSecretSync(name);
    const second = await manager.readSecret(name);
    const third = manager.readSecretSync(name);

    expect([second?.value, third]).toEqual([
      first?.value,
      expect.objectContaining({ value: first?.value }),
    ]);
  });

  it('of a missing role are absent', async () => {
    const manager = await managerWith();

    await expect(manager.readSecret('database/creds/nope')).resolves.toBeUndefined();
  });

  it("cannot be written, and a failure to create them is not the caller's", async () => {
    const manager = await managerWith();

    const failure = await failureOf(manager.writeSecret('database/creds/hour', 'mine'));

    expect(['ACCESS_DENIED', 'UNSUPPORTED', 'MISCONFIGURED']).toContain(failure.code);
  });

  it('are removed from the database on shutdown', async () => {
    const { secrets, app } = await startVaultApp(bao, await options());
    const user = await secrets.getOrThrow('database/creds/hour', { params: { field: 'username' } });
    const before = await postgres.hasUser(user);

    await app.close();

    expect([before, await postgres.hasUser(user)]).toEqual([true, false]);
  });

  it('are removed from the database even if the token may not revoke leases', async () => {
    await bao.permit('database-only', { 'database/*': ['read'] });
    const manager = await managerWith({ policies: ['database-only'] });
    const { user } = await credentials(manager, 'hour');

    await manager.close();

    await eventually('the user is gone', async () => !(await postgres.hasUser(user)));
    await expect(postgres.hasUser(user)).resolves.toBe(false);
  });

  it('live beyond their lease while they are renewed', async () => {
    await role('renewed', '3s', '1h');
    const manager = await managerWith();
    const first = await credentials(manager, 'renewed');

    await eventually('they were renewed', () => proxy.count(/leases\/renew/) >= 2);
    const second = await credentials(manager, 'renewed');

    expect(second).toEqual(first);
    await expect(postgres.accepts(second)).resolves.toBe(true);
    expect(proxy.count(/database\/creds/)).toBe(1);
  });

  it('are replaced before the server ends them, and always open the database', async () => {
    const manager = await managerWith();
    const users = new Set<string>();

    const { values, failures } = await keepReading(async () => {
      const login = await credentials(manager, 'short');
      users.add(login.user);
      return await postgres.accepts(login);
    }, lasting(14_000));

    expect([[...values], failures]).toEqual([[true], []]);
    expect(users.size).toBeGreaterThanOrEqual(2); // 14 s in lives of 9 s at most
    expect(users.size).toBeLessThanOrEqual(4);
  });

  it('are replaced when the token that asked for them expires, and always open the database', async () => {
    const manager = await managerWith({ ttl: '3s', maxTtl: '6s' });
    const users = new Set<string>();

    const { values, failures } = await keepReading(async () => {
      const login = await credentials(manager, 'hour');
      users.add(login.user);
      return await postgres.accepts(login);
    }, lasting(10_000));

    expect([[...values], failures]).toEqual([[true], []]);
    expect(users.size).toBeGreaterThanOrEqual(2);
    expect(users.size).toBeLessThanOrEqual(4);
  });

  it('are replaced when somebody revokes them', async () => {
    const manager = await managerWith();
    const first = await credentials(manager, 'hour');
    await bao.expect('PUT', 'sys/leases/revoke-prefix/database/creds/hour');

    const second = await credentials(manager, 'hour');

    expect(second.user).not.toBe(first.user);
    await expect(postgres.accepts(second)).resolves.toBe(true);
  });

  it('are replaced when the token that asked for them is revoked', async () => {
    const manager = await managerWith();
    const first = await credentials(manager, 'hour');
    await bao.revoke(proxy.token);

    const second = await credentials(manager, 'hour');

    expect(second.user).not.toBe(first.user);
    await expect(postgres.accepts(second)).resolves.toBe(true);
  });

  it('of the whole application always open the database, with the cache on', async () => {
    const { secrets } = await startVaultApp(bao, await options({ ttl: '3s', maxTtl: '9s' }));
    const name = 'database/creds/short';

    const { values, failures } = await keepReading(async () => {
      const { username: user = '', password = '' } = JSON.parse(
        await secrets.getOrThrow(name),
      ) as Record<string, string>;
      return await postgres.accepts({ user, password });
    }, lasting(14_000));

    expect([[...values], failures]).toEqual([[true], []]);
  });

  it('of a static role are valid until the server changes the password', async () => {
    await postgres.execute(`CREATE ROLE "app" WITH LOGIN PASSWORD 'first'`);
    await bao.expect('POST', 'database/static-roles/app', {
      db_name: 'pg',
      username: 'app',
      rotation_period: '1h',
    });
    const manager = await managerWith();
    const read = async () => {
      const reading = await manager.readSecret('database/static-creds/app');
      const { password = '' } = JSON.parse(reading?.value ?? '') as Record<string, string>;
      return { password, validForMs: reading?.validForMs };
    };

    const before = await read();
    await bao.expect('POST', 'database/rotate-role/app', {});
    const after = await read();

    expect(before.validForMs).toBeGreaterThan(3_500_000);
    expect(before.validForMs).toBeLessThanOrEqual(3_600_000);
    expect(after.password).not.toBe(before.password);
    await expect(postgres.accepts({ user: 'app', password: after.password })).resolves.toBe(true);
  });
});
