import {
  VaultSecretManager,
  type VaultAuth,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { everythingOf, failureOf, leaks } from '../../../support/failure-of';
import { FakeVault, type FakeAnswer, type FakeRequest } from '../../../support/fake-vault';

const APPROLE: VaultAuth = { method: 'approle', roleId: 'role', secretId: 'canary-5b1d09e7' };
const USERPASS: VaultAuth = { method: 'userpass', username: 'u', password: 'p' };
const DEAD: FakeAnswer = { status: 403, body: { errors: ['permission denied'] } };
const DENIED: FakeAnswer = {
  status: 403,
  body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] },
};

function grant(token: string, { seconds = 3_600, renewable = true } = {}): FakeAnswer {
  return { body: { auth: { client_token: token, lease_duration: seconds, renewable } } };
}

/** Grants the tokens `s.1`, `s.2`, ... by AppRole. Secrets answer the tokens that are alive. */
class Server extends FakeVault {
  logins = 0;
  readonly alive = new Set<string>();
  refusal = DEAD;

  constructor() {
    super();
    this.on('POST /v1/auth/approle/login', () => this.logIn());
    this.on('GET /v1/secret/data/KEY', ({ headers }) => {
      if (!this.alive.has(String(headers['x-vault-token']))) return this.refusal;
      return { body: { data: { data: { value: 'v' }, metadata: { version: 1 } } } };
    });
  }

  logIn(): FakeAnswer {
    const token = `s.${(this.logins += 1)}`;
    this.alive.add(token);
    return grant(token);
  }
}

describe('the login of the manager for Vault', () => {
  let vault: Server;
  let managers: VaultSecretManager[];

  beforeEach(async () => {
    vault = new Server();
    await vault.start();
    managers = [];
  });

  afterEach(async () => {
    await Promise.all(managers.map((manager) => manager.close()));
    await vault.stop();
  });

  function managerWith(auth: VaultAuth, options: object = {}): VaultSecretManager {
    const manager = new VaultSecretManager({ address: vault.address, auth, ...options });
    managers.push(manager);
    return manager;
  }

  const asked = (part: string): string[] => vault.asked.filter((request) => request.includes(part));
  const requestTo = (part: string): FakeRequest | undefined =>
    vault.requests.find(({ path }) => path.includes(part));

  it('happens once for a hundred reads', async () => {
    const manager = managerWith(APPROLE);

    await Promise.all(Array.from({ length: 100 }, () => manager.readSecret('KEY')));

    expect(vault.logins).toBe(1);
  });

  it.each<[string, VaultAuth, string, object]>([
    [
      'by AppRole',
      APPROLE,
      'auth/approle/login',
      { role_id: 'role', secret_id: 'canary-5b1d09e7' },
    ],
    [
      'at another mount',
      { ...APPROLE, mount: 'team/approle' },
      'auth/team/approle/login',
      { role_id: 'role', secret_id: 'canary-5b1d09e7' },
    ],
    [
      'at a mount that needs encoding',
      { ...APPROLE, mount: 'our team/äpp?' },
      'auth/our%20team/%C3%A4pp%3F/login',
      { role_id: 'role', secret_id: 'canary-5b1d09e7' },
    ],
    [
      'by user',
      { method: 'userpass', username: 'a b', password: 'p' },
      'auth/userpass/login/a%20b',
      { password: 'p' },
    ],
    [
      'by JWT',
      { method: 'jwt', role: 'r', jwt: 'a.b.c' },
      'auth/jwt/login',
      { role: 'r', jwt: 'a.b.c' },
    ],
  ])('%s sends the required fields, and no token', async (_, auth, path, content) => {
    vault.on(`POST /v1/${path}`, grant('s.1'));
    vault.alive.add('s.1');

    await managerWith(auth).readSecret('KEY');

    expect(requestTo(path)?.content).toEqual(content);
    expect(requestTo(path)?.headers).not.toHaveProperty('x-vault-token');
  });

  it('unwraps a wrapped secret id once, for all logins', async () => {
    const auth: VaultAuth = { method: 'approle', roleId: 'role', wrappedSecretId: 's.wrapped' };
    vault.on('POST /v1/sys/wrapping/unwrap', { body: { data: { secret_id: 'of-the-wrap' } } });
    const manager = managerWith(auth);
    await manager.readSecret('KEY');

    vault.alive.clear();
    await manager.readSecret('KEY');

    expect(asked('unwrap')).toHaveLength(1);
    expect(vault.logins).toBe(2);
    expect(requestTo('unwrap')?.headers['x-vault-token']).toBe('s.wrapped');
    expect(requestTo('login')?.content).toEqual({ role_id: 'role', secret_id: 'of-the-wrap' });
  });

  it('reports that somebody may have taken a wrapped secret id that was already used', async () => {
    const auth: VaultAuth = { method: 'approle', roleId: 'role', wrappedSecretId: 's.wrapped' };
    const errors = ['wrapping token is not valid or does not exist'];
    vault.on('POST /v1/sys/wrapping/unwrap', { status: 400, body: { errors } });

    const { code, message } = await failureOf(managerWith(auth).readSecret('KEY'));

    expect([code, message]).toEqual([
      'UNAUTHENTICATED',
      expect.stringContaining('somebody else has'),
    ]);
  });

  it('is repeated when the token is dead, and the read continues', async () => {
    const manager = managerWith(APPROLE);
    await manager.readSecret('KEY');

    vault.alive.clear();
    const reading = await manager.readSecret('KEY');

    expect(reading?.value).toBe('v');
    expect(vault.logins).toBe(2);
  });

  it('is repeated once for all reads that find the token dead', async () => {
    const manager = managerWith(APPROLE);
    await manager.readSecret('KEY');

    vault.alive.clear();
    await Promise.all(Array.from({ length: 20 }, () => manager.readSecret('KEY')));

    expect(vault.logins).toBe(2);
  });

  it('is repeated once if a fresh token removes a denial', async () => {
    const manager = managerWith(APPROLE, { retryDeniedWithFreshLogin: true });
    await manager.readSecret('KEY');
    vault.refusal = DENIED;

    vault.alive.clear();
    const reading = await manager.readSecret('KEY');

    expect(reading?.value).toBe('v');
    expect(vault.logins).toBe(2);
  });

  it('is not repeated per read for a denied path', async () => {
    vault.on('GET /v1/secret/data/DENIED', DENIED);
    const manager = managerWith(APPROLE, { retryDeniedWithFreshLogin: true });

    const failures = [];
    for (let read = 0; read < 5; read++)
      failures.push(await failureOf(manager.readSecret('DENIED')));

    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['ACCESS_DENIED']));
    expect(vault.logins).toBe(2);
  });

  it.each<[string, VaultAuth, object, number]>([
    ['approle', APPROLE, {}, 1],
    ['approle, if asked for', APPROLE, { retryDeniedWithFreshLogin: true }, 2],
    ['userpass', USERPASS, {}, 2],
    ['userpass, if turned off', USERPASS, { retryDeniedWithFreshLogin: false }, 1],
  ])('retries a denial or does not: %s', async (_, auth, options, logins) => {
    vault.on('POST /v1/auth/userpass/login/u', () => vault.logIn());
    for (const method of ['GET', 'POST', 'DELETE'])
      vault.on(`${method} /v1/secret/data/DENIED`, DENIED);
    const manager = managerWith(auth, options);
    await manager.readSecret('KEY');

    const failures = [
      await failureOf(manager.readSecret('DENIED')),
      await failureOf(manager.writeSecret('DENIED', 'v')),
      await failureOf(manager.deleteSecret('DENIED')),
    ];

    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['ACCESS_DENIED']));
    expect(vault.logins).toBe(logins);
  });

  it('replaces a dead token even if denials are not retried', async () => {
    const manager = managerWith(APPROLE, { retryDeniedWithFreshLogin: false });
    await manager.readSecret('KEY');
    vault.alive.clear();

    const reading = await manager.readSecret('KEY');

    expect([reading?.value, vault.logins]).toEqual(['v', 2]);
  });

  it('does not loop if every token is refused', async () => {
    vault.on('GET /v1/secret/data/KEY', DEAD);
    const manager = managerWith(APPROLE);

    const failures = [];
    for (let read = 0; read < 5; read++) failures.push(await failureOf(manager.readSecret('KEY')));

    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['UNAUTHENTICATED']));
    expect(vault.logins).toBe(2);
  });

  it('comes less and less often while every token is refused', async () => {
    vault.on('GET /v1/secret/data/KEY', DEAD);
    let time = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    const manager = managerWith(APPROLE);

    for (let tenths = 0; tenths < 600; tenths++) {
      await failureOf(manager.readSecret('KEY'));
      time += 100;
    }
    jest.restoreAllMocks();

    expect(vault.logins).toBeGreaterThan(6);
    expect(vault.logins).toBeLessThan(25);
  });

  it.each([400, 403])(
    'that is refused with %d is not repeated per read, and discloses nothing',
    async (status) => {
      vault.on('POST /v1/auth/approle/login', ({ content }) => ({
        status,
        body: { errors: [JSON.stringify(content)] },
      }));
      const manager = managerWith(APPROLE);

      const failures = [];
      for (let read = 0; read < 5; read++)
        failures.push(await failureOf(manager.readSecret('KEY')));

      expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['UNAUTHENTICATED']));
      expect(asked('login')).toHaveLength(1);
      expect(leaks(failures.map(everythingOf).join(), 'canary-5b1d09e7')).toBe(false);
    },
  );

  it.each([500, 503])(
    'that gets a %d is an outage, and is retried by the next read',
    async (status) => {
      let broken = true;
      vault.on('POST /v1/auth/approle/login', () => {
        vault.alive.add('s.1');
        return broken ? { status, body: { errors: [] } } : grant('s.1');
      });
      const manager = managerWith(APPROLE);

      const failure = await failureOf(manager.readSecret('KEY'));
      broken = false;
      const reading = await manager.readSecret('KEY');

      expect(failure.code).toBe('UNAVAILABLE');
      expect(reading?.value).toBe('v');
    },
  );

  it('with an answer without a token is MALFORMED', async () => {
    vault.on('POST /v1/auth/approle/login', { body: { auth: { client_token: 'a\nb' } } });

    const { code } = await failureOf(managerWith(APPROLE).readSecret('KEY'));

    expect(code).toBe('MALFORMED');
  });

  it('that hangs does not hold a caller that aborts', async () => {
    vault.on('POST /v1/auth/approle/login', () => undefined);
    const controller = new AbortController();

    const failure = failureOf(
      managerWith(APPROLE).readSecret('KEY', { signal: controller.signal }),
    );
    controller.abort();

    expect((await failure).code).toBe('CANCELLED');
  });

  it('ends with its own token revoked', async () => {
    const manager = managerWith(APPROLE);
    await manager.readSecret('KEY');

    await manager.close();

    expect(requestTo('revoke-self')?.headers['x-vault-token']).toBe('s.1');
  });

  it('does not revoke a given token on close', async () => {
    vault.alive.add('s.given');
    const manager = managerWith({ method: 'token', token: 's.given' });
    await manager.readSecret('KEY');

    await manager.close();

    expect(asked('revoke')).toEqual([]);
  });

  it('reads the JWT again each time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vault-'));
    const jwtFile = join(folder, 'jwt');
    writeFileSync(jwtFile, 'first\n');
    vault.on('POST /v1/auth/kubernetes/login', ({ content }) => {
      const token = `s.${(content as { jwt: string }).jwt}`;
      vault.alive.add(token);
      return grant(token);
    });
    const manager = managerWith({ method: 'kubernetes', role: 'r', jwtFile });
    await manager.readSecret('KEY');

    writeFileSync(jwtFile, 'second\n');
    vault.alive.clear();
    await manager.readSecret('KEY');
    rmSync(folder, { recursive: true });

    expect([...vault.alive]).toEqual(['s.second']);
  });

  it('takes a token from its file, and the next one when the first is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vault-'));
    const path = join(folder, 'token');
    writeFileSync(path, 's.first\n');
    vault.alive.add('s.first');
    const manager = managerWith({ method: 'token-file', path });
    await manager.readSecret('KEY');

    vault.alive.delete('s.first');
    vault.alive.add('s.second');
    writeFileSync(path, 's.second\n');
    const reading = await manager.readSecret('KEY');
    rmSync(folder, { recursive: true });

    expect(reading?.value).toBe('v');
  });

  it.each(['', '\n'])(
    'takes the next token of a file with the same stat, when the first is refused',
    async (end) => {
      const folder = mkdtempSync(join(tmpdir(), 'vault-'));
      const path = join(folder, 'token');
      const write = (token: string): void => {
        writeFileSync(path, token + end);
        utimesSync(path, 1_000, 1_000);
      };
      write('s.first');
      vault.alive.add('s.first').add('s.other');
      const manager = managerWith({ method: 'token-file', path });
      await manager.readSecret('KEY');

      vault.alive.delete('s.first');
      write('s.other');
      const reading = await manager.readSecret('KEY');
      vault.alive.delete('s.other');
      rmSync(path);
      const failure = await failureOf(manager.readSecret('KEY'));
      rmSync(folder, { recursive: true });

      expect([reading?.value, failure.code]).toEqual(['v', 'UNAUTHENTICATED']);
    },
  );

  it('names the file that cannot be read', async () => {
    const manager = managerWith({ method: 'token-file', path: __filename });
    await failureOf(manager.readSecret('KEY'));

    const { code, message } = await failureOf(manager.readSecret('KEY'));

    expect([code, message]).toEqual([
      'MISCONFIGURED',
      expect.stringContaining('more than one line'),
    ]);
  });
});
