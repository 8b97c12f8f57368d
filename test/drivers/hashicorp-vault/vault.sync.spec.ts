import {
  VaultSecretManager,
  type VaultAuth,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../integration/support/eventually';
import { everythingOf, failureOf } from '../../support/failure-of';
import { OutsideServer } from '../../support/outside-server';

const APPROLE: VaultAuth = { method: 'approle', roleId: 'role', secretId: 'right' };

describe('a synchronous read of the manager for Vault', () => {
  const vault = new OutsideServer('outside-vault.process.mjs');
  let manager: VaultSecretManager;

  function managerWith(options: Partial<VaultSecretManagerOptions> = {}): VaultSecretManager {
    manager = new VaultSecretManager({ address: vault.address, auth: APPROLE, ...options });
    return manager;
  }

  const readSync = (name: string, params = {}, timeoutMs = 20_000) =>
    manager.readSecretSync(name, { params, timeoutMs });

  async function asked(path: string): Promise<number> {
    const requests = (await (await fetch(`${vault.address}/requests`)).json()) as string[];
    return requests.filter((request) => request === path).length;
  }

  beforeAll(async () => {
    await vault.start();
  });

  beforeEach(async () => {
    await vault.reset();
    managerWith();
  });

  afterEach(() => manager.close());

  afterAll(() => vault.stop());

  it('returns the result of an asynchronous read', async () => {
    const answers = [readSync('A'), await manager.readSecret('A')];

    expect(answers).toEqual([
      { value: 'value of A', version: '3' },
      { value: 'value of A', version: '3' },
    ]);
  });

  it('returns undefined for a missing secret', () => {
    expect(readSync('ABSENT')).toBeUndefined();
  });

  it('reads KV version 1', () => {
    expect(readSync('A', { mount: 'kv1', kvVersion: 1 })).toEqual({ value: 'A' });
  });

  it('logs in once for any number of reads of both kinds', async () => {
    for (let round = 0; round < 5; round++) {
      readSync('A');
      await manager.readSecret('A');
    }

    expect(await asked('POST auth/approle/login')).toBe(1);
  });

  it('does not wait for a login in flight: it makes its own, and both continue with one token', async () => {
    managerWith({ auth: { ...APPROLE, roleId: 'slow' } });
    const reading = manager.readSecret('A');
    const login = async () => (await asked('POST auth/approle/login')) === 1;
    await eventually('the login has begun', login);

    const answer = readSync('B');
    const later = await reading;
    await manager.readSecret('C');
    readSync('D');

    expect([answer?.value, later?.value]).toEqual(['value of B', 'value of A']);
    expect(await asked('POST auth/approle/login')).toBe(2);
    await manager.close();
    expect(await asked('POST auth/token/revoke-self')).toBe(2);
  });

  it('reports a login in flight that unwraps the secret id, and works after it', async () => {
    managerWith({ auth: { method: 'approle', roleId: 'role', wrappedSecretId: 'wrapped' } });
    const reading = manager.readSecret('A');
    const unwrapping = async () => (await asked('POST sys/wrapping/unwrap')) === 1;
    await eventually('the secret id is being unwrapped', unwrapping);

    const failure = await failureOf(() => readSync('B'));
    await reading;

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(readSync('B')?.value).toBe('value of B');
    expect(await asked('POST sys/wrapping/unwrap')).toBe(1);
  });

  it('is answered while an asynchronous read of the same name is in flight', async () => {
    readSync('A');
    const reading = manager.readSecret('SLOW');

    const answer = readSync('SLOW');

    expect(answer).toEqual(await reading);
  });

  it('logs in again if its token was forgotten', async () => {
    readSync('A');
    await fetch(`${vault.address}/forget-tokens`, { method: 'POST' });

    expect(readSync('B')?.value).toBe('value of B');
    expect(await asked('POST auth/approle/login')).toBe(2);
  });

  it('does not log in again for a denial with AppRole', async () => {
    readSync('A');

    const { code } = await failureOf(() => readSync('DENIED'));

    expect(code).toBe('ACCESS_DENIED');
    expect(await asked('POST auth/approle/login')).toBe(1);
  });

  it('retries a denial once with a fresh token if configured, and then pauses', async () => {
    managerWith({ retryDeniedWithFreshLogin: true });
    readSync('A');

    const errors = [
      await failureOf(() => readSync('DENIED')),
      await failureOf(() => readSync('DENIED')),
    ];

    expect(errors.map(({ code }) => code)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED']);
    expect(await asked('POST auth/approle/login')).toBe(2);
  });

  it('does not log in per read if the login is refused', async () => {
    managerWith({ auth: { ...APPROLE, secretId: 'canary-of-a-secret-id' } });

    const errors = [await failureOf(() => readSync('A')), await failureOf(() => readSync('A'))];

    expect(errors.map(({ code }) => code)).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    expect(await asked('POST auth/approle/login')).toBe(1);
    expect(everythingOf(errors)).not.toContain('canary');
  });

  it('follows a replaced token of a file', () => {
    jest.useFakeTimers();
    const folder = mkdtempSync(join(tmpdir(), 'token-'));
    const path = join(folder, 'token');
    writeFileSync(path, 'given\n');
    managerWith({ auth: { method: 'token-file', path } });

    const before = readSync('A')?.value;
    writeFileSync(path, 'another\n');
    jest.advanceTimersByTime(1_001);
    const read = () => readSync('A');

    expect(before).toBe('value of A');
    expect(read).toThrow('the token is expired, revoked or wrong');
    jest.useRealTimers();
    rmSync(folder, { recursive: true });
  });

  it('keeps a lease like an asynchronous read, checks it at the server, and revokes it on close', async () => {
    const params = { mount: 'database/creds', kvVersion: 'none', field: 'username' };

    const answers = [
      await manager.readSecret('app', { params }),
      readSync('app', params),
      readSync('app', { ...params, field: 'password' }),
    ];

    expect(answers.map((answer) => answer?.value)).toEqual(['user-1', 'user-1', 'secret']);
    expect(answers.every((answer) => (answer?.validForMs ?? 0) > 50_000)).toBe(true);
    expect(await asked('PUT sys/leases/renew')).toBe(2);
    await manager.close();
    expect(await asked('PUT sys/leases/revoke')).toBe(1);
  });

  it('fails with the meaning of the answer, and discloses no token', async () => {
    readSync('A');

    const error = await failureOf(() => readSync('SEALED'));

    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(everythingOf([error, manager])).not.toContain('canary');
  });

  it('ends at its deadline', async () => {
    readSync('A');

    const error = await failureOf(() => readSync('HANGING', {}, 50));

    expect(error.code).toBe('TIMEOUT');
    expect(readSync('B')?.value).toBe('value of B');
  });

  it.each([
    ['FIREWALL', 'UNAVAILABLE'],
    ['ODD', 'MISCONFIGURED'],
  ])('distinguishes a foreign answer from an absence and a denial: %s', async (name, code) => {
    expect((await failureOf(() => readSync(name))).code).toBe(code);
  });

  it('keeps the source text of numbers', () => {
    expect(readSync('NUMBER')?.value).toBe('{"account":12345678901234567890,"rate":1.10}');
  });

  it('reports a missing chosen field', async () => {
    expect(await failureOf(() => readSync('A', { field: 'passwrd' }))).toMatchObject({
      code: 'MALFORMED',
      message: expect.stringContaining('"passwrd"'),
    });
  });

  it('requires the state of the last write from a standby', async () => {
    await manager.writeSecret('WRITTEN', 'v');

    expect(readSync('WRITTEN')?.value).toBe('value of requires state-4');
  });

  it('is UNAVAILABLE at once if a standby lags', async () => {
    await manager.writeSecret('LAGGING', 'v');

    const failure = await failureOf(() => readSync('LAGGING'));

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure.retryAfterMs).toBeUndefined();
  });

  it('ends at its deadline if a byte comes every 20 ms, of a login and of a secret', async () => {
    const error = await failureOf(() => readSync('DRIPPING', {}, 1_000));
    managerWith({ auth: { ...APPROLE, roleId: 'dripping' } });
    const ofLogin = await failureOf(() => readSync('A', {}, 1_000));

    expect([error.code, ofLogin.code]).toEqual(['TIMEOUT', 'TIMEOUT']);
  });

  it('takes the next token of a file with the same stat', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'token-'));
    const path = join(folder, 'token');
    const write = (token: string): void => {
      writeFileSync(path, token);
      utimesSync(path, 1_000, 1_000);
    };
    write('stale');
    managerWith({ auth: { method: 'token-file', path } });

    const failure = await failureOf(() => readSync('A'));
    write('given');
    const reading = readSync('A');
    rmSync(folder, { recursive: true });

    expect([failure.code, reading?.value]).toEqual(['UNAUTHENTICATED', 'value of A']);
  });

  it('fails if nobody listens', async () => {
    managerWith({ address: 'http://127.0.0.1:1' });

    expect(() => readSync('A')).toThrow(expect.objectContaining({ code: 'ECONNREFUSED' }) as Error);
  });

  it('starts its worker with the manager if configured', async () => {
    const before = workersOfThisProcess();
    managerWith({ startsSyncReads: true }).validateEnvironment();

    await eventually('it runs', () => workersOfThisProcess() === before + 1);
    await manager.close();
    expect(workersOfThisProcess()).toBe(before);
  });

  it('is refused after close', async () => {
    readSync('A');
    await manager.close();

    expect((await failureOf(() => readSync('A'))).code).toBe('UNAVAILABLE');
  });
});

function workersOfThisProcess(): number {
  const { workers } = process.report.getReport() as { workers: unknown[] };
  return workers.length;
}
