import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import {
  DecryptingSecretManager,
  vaultTransit,
  type VaultTransitOptions,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import {
  InMemorySecretManager,
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import { everythingOf, failureOf, leaks } from '../support/failure-of';
import { wrapped } from '../support/wrapped';
import { startOpenBao, type OpenBao } from './support/openbao';

const VALUE = 'sk-canary-value-0123456789';
const TIME = { timeoutMs: 20_000 };

let bao: OpenBao;
const managers: DecryptingSecretManager[] = [];
/** The store of all managers of this file, which none of them closes. */
const inner = new InMemorySecretManager();
inner.close = () => undefined;

beforeAll(async () => {
  bao = await startOpenBao();
  await bao.expect('POST', 'sys/mounts/transit', { type: 'transit' });
  await bao.expect('POST', 'transit/keys/app', {});
  await bao.expect('POST', 'transit/keys/derived', { derived: true });
  await bao.expect('POST', 'transit/keys/signing', { type: 'ed25519' });
});

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

afterAll(() => bao.stop());

function managerWith(options: Partial<VaultTransitOptions> = {}): DecryptingSecretManager {
  const { address, rootToken } = bao;
  const auth = { method: 'token', token: rootToken } as const;
  const transit = vaultTransit({ address, auth, key: 'app', ...options });
  const manager = new DecryptingSecretManager({
    inner,
    decrypt: transit,
    encrypt: transit,
  });
  managers.push(manager);
  return manager;
}

async function encrypted(plaintext: string, key = 'app', more: object = {}): Promise<string> {
  const content = { plaintext: base64(plaintext), ...more };
  const { body } = await bao.expect('POST', `transit/encrypt/${key}`, content);
  return (body as { data: { ciphertext: string } }).data.ciphertext;
}

async function put(name: string, plaintext: string, key = 'app', more: object = {}): Promise<void> {
  inner.rotate(name, await encrypted(plaintext, key, more));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Returns the failures of every kind of read. */
async function failuresOf(manager: DecryptingSecretManager, name = 'KEY'): Promise<object[]> {
  return [
    await failureOf(manager.readSecret(name, TIME)),
    await failureOf(() => manager.readSecretSync(name, TIME)),
    (await manager.readSecrets([name], TIME)).get(name) as object,
  ];
}

async function assertFailure(
  manager: DecryptingSecretManager,
  code: SecretManagerErrorCode,
  text: RegExp,
): Promise<void> {
  const failures = await failuresOf(manager);
  const sealed = inner.readSecretSync('KEY')?.value ?? '';

  expect(failures).toMatchObject(Array(3).fill({ code, secretName: 'KEY' }));
  for (const { message } of failures as Error[]) expect(message).toMatch(text);
  const shown = everythingOf(failures);
  const canaries = [VALUE, sealed.replace('vault:v1:', ''), bao.rootToken];
  expect(canaries.filter((canary) => leaks(shown, canary))).toEqual([]);
}

describe('a decryption by the transit engine', () => {
  it.each(['value', '', 'ä\u0000\n€', 'x'.repeat(20_000)])('returns the text', async (text) => {
    await put('KEY', text);
    const manager = managerWith();

    const answers = [
      await manager.readSecret('KEY'),
      manager.readSecretSync('KEY', TIME),
      (await manager.readSecrets(['KEY'])).get('KEY'),
    ];

    expect(answers).toMatchObject(Array(3).fill({ value: text }));
  });

  it('reads values of older versions, rewrapped ones, and what it wrote', async () => {
    await put('OLD', 'old');
    await bao.expect('POST', 'transit/keys/app/rotate', {});
    const { body } = await bao.expect('POST', 'transit/rewrap/app', {
      ciphertext: inner.readSecretSync('OLD')?.value,
    });
    inner.rotate('NEW', (body as { data: { ciphertext: string } }).data.ciphertext);
    const manager = managerWith();
    await manager.writeSecret('WRITTEN', VALUE);

    const answers = await manager.readSecrets(['OLD', 'NEW', 'WRITTEN', 'ABSENT']);

    expect(inner.readSecretSync('NEW')?.value).toMatch(/^vault:v2:/);
    expect(inner.readSecretSync('WRITTEN')?.value).not.toContain(VALUE);
    expect(answers.get('OLD')).toMatchObject({ value: 'old' });
    expect(answers.get('NEW')).toMatchObject({ value: 'old' });
    expect(answers.get('WRITTEN')).toMatchObject({ value: VALUE });
    expect(answers.get('ABSENT')).toBeUndefined();
  });

  it('binds to associated data, and to the context of a derived key', async () => {
    const both = { associatedData: 'of the app', context: 'a tenant' };
    const sent = { associated_data: base64('of the app'), context: base64('a tenant') };
    await put('BOUND', 'bound', 'app', { associated_data: sent.associated_data });
    await put('DERIVED', 'derived', 'derived', sent);
    const bound = managerWith({ associatedData: 'of the app' });
    const derived = managerWith({ key: 'derived', ...both });
    await bound.writeSecret('BOUND_TOO', VALUE);
    await derived.writeSecret('DERIVED_TOO', VALUE);

    expect(await bound.readSecret('BOUND')).toMatchObject({ value: 'bound' });
    expect(await bound.readSecret('BOUND_TOO')).toMatchObject({ value: VALUE });
    expect(await derived.readSecret('DERIVED')).toMatchObject({ value: 'derived' });
    expect(derived.readSecretSync('DERIVED_TOO', TIME)).toMatchObject({ value: VALUE });
    for (const name of ['BOUND', 'DERIVED']) {
      const others = [
        managerWith({ associatedData: 'of another' }),
        managerWith({ key: 'derived', ...both, context: 'another' }),
      ];
      for (const other of others) {
        await expect(failureOf(other.readSecret(name))).resolves.toMatchObject({
          code: 'MALFORMED',
        });
      }
    }
  });

  it('needs no right but its own, with a context, too', async () => {
    await put('DERIVED', VALUE, 'derived', { context: base64('a tenant') });
    const token = await bao.tokenFor({ 'transit/decrypt/derived': ['update'] });
    const auth = { method: 'token', token } as const;

    const manager = managerWith({ key: 'derived', context: 'a tenant', auth });

    await expect(manager.readSecret('DERIVED')).resolves.toMatchObject({ value: VALUE });
    expect(manager.readSecretSync('DERIVED', TIME)).toMatchObject({ value: VALUE });
  });
});

describe('a failed decryption by the transit engine', () => {
  beforeEach(() => put('KEY', VALUE));

  it.each([
    'zq7-canary-that-is-plain',
    'vault:v1:',
    'vault:v1:AAAA',
    'vault:v0:AAAA',
    'vault:v99:AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJ',
    `vault:v1:${Buffer.alloc(60).toString('base64')}`,
  ])('of %j is malformed', async (ciphertext) => {
    inner.rotate('KEY', ciphertext);

    await expect(
      assertFailure(managerWith(), 'MALFORMED', /"KEY" was not decrypted/),
    ).resolves.toBeUndefined();
  });

  it('with another key is malformed', async () => {
    await bao.expect('POST', 'transit/keys/other', {});
    await bao.expect('POST', 'transit/keys/other/rotate', {}); // as many versions as the key of the value

    await expect(
      assertFailure(managerWith({ key: 'other' }), 'MALFORMED', /another key/),
    ).resolves.toBeUndefined();
  });

  it('without the context of a derived key is a wrong configuration', async () => {
    await put('KEY', VALUE, 'derived', { context: base64('a tenant') });

    await expect(
      assertFailure(managerWith({ key: 'derived' }), 'MISCONFIGURED', /Give `context`/),
    ).resolves.toBeUndefined();
  });

  it('with a context that the key ignores is a wrong configuration', async () => {
    await expect(
      assertFailure(managerWith({ context: 'a tenant' }), 'MISCONFIGURED', /not a derived one/),
    ).resolves.toBeUndefined();
  });

  it.each<[string, Partial<VaultTransitOptions>, RegExp]>([
    ['key', { key: 'missing' }, /no such key/],
    ['mount', { mount: 'nowhere' }, /nothing is mounted/],
    ['purpose of the key', { key: 'signing' }, /type of the key/],
  ])('with a wrong %s is a wrong configuration', async (_, options, text) => {
    await expect(
      assertFailure(managerWith(options), 'MISCONFIGURED', text),
    ).resolves.toBeUndefined();
    await expect(bao.request('GET', 'transit/keys/missing')).resolves.toMatchObject({
      status: 404,
    });
  });

  it('of a version that is not permitted any more is a wrong configuration', async () => {
    await bao.expect('POST', 'transit/keys/aging', {});
    await put('KEY', VALUE, 'aging');
    await bao.expect('POST', 'transit/keys/aging/rotate', {});
    await bao.expect('POST', 'transit/keys/aging/config', { min_decryption_version: 2 });

    await expect(
      assertFailure(managerWith({ key: 'aging' }), 'MISCONFIGURED', /min_decryption_version/),
    ).resolves.toBeUndefined();
  });

  it('by a key that was deleted is a wrong configuration', async () => {
    await bao.expect('POST', 'transit/keys/deleted', {});
    await put('KEY', VALUE, 'deleted');
    const manager = managerWith({ key: 'deleted' });
    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: VALUE });
    await bao.expect('POST', 'transit/keys/deleted/config', { deletion_allowed: true });
    await bao.expect('DELETE', 'transit/keys/deleted');

    await expect(assertFailure(manager, 'MISCONFIGURED', /no such key/)).resolves.toBeUndefined();
    const written = await failureOf(manager.writeSecret('NEW', VALUE));
    expect(written).toMatchObject({ code: 'MISCONFIGURED', secretName: 'NEW' });
    await expect(bao.request('GET', 'transit/keys/deleted')).resolves.toMatchObject({
      status: 404,
    });
  });

  it('by a policy is a denial, and by a dead token a refused login', async () => {
    const token = await bao.tokenFor({ 'transit/decrypt/other': ['update'] });
    const auth = { method: 'token', token } as const;

    await expect(
      assertFailure(managerWith({ auth }), 'ACCESS_DENIED', /policies/),
    ).resolves.toBeUndefined();
    await bao.revoke(token);
    await expect(
      assertFailure(managerWith({ auth }), 'UNAUTHENTICATED', /Renew it/),
    ).resolves.toBeUndefined();
  });
});

describe('an encryption by the transit engine', () => {
  it('makes no key that was mistyped, and reads it first', async () => {
    for (const [key, text] of [
      ['mistyped', /no such key/],
      ['derived', /Give `context`/],
    ] as const) {
      const failure = await failureOf(managerWith({ key }).writeSecret('NEW', VALUE));

      expect(failure).toMatchObject({ code: 'MISCONFIGURED', operation: 'writeSecret' });
      expect(failure.message).toMatch(text);
      expect(leaks(everythingOf(failure), VALUE)).toBe(false);
    }
    const ignored = await failureOf(managerWith({ context: 'x' }).writeSecret('NEW', VALUE));
    expect(ignored.message).toMatch(/not a derived one/);
    await expect(bao.request('GET', 'transit/keys/mistyped')).resolves.toMatchObject({
      status: 404,
    });
  });

  it('names the right that it needs to read the key', async () => {
    const token = await bao.tokenFor({ 'transit/encrypt/app': ['update'] });
    const manager = managerWith({ auth: { method: 'token', token } });

    const failure = await failureOf(manager.writeSecret('NEW', VALUE));

    expect(failure).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(failure.message).toContain('transit/keys/app');
  });
});

describe('the health of the transit engine', () => {
  it('is that of the server and the token', async () => {
    const token = await bao.tokenFor({ 'transit/decrypt/app': ['update'] });
    const manager = managerWith({ auth: { method: 'token', token } });

    await expect(manager.checkHealth(TIME)).resolves.toBe(true);
    await bao.revoke(token);
    await expect(failureOf(manager.checkHealth(TIME))).resolves.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });
});

describe.each<[string, (harness: ConformanceHarness) => ConformanceHarness]>([
  ['bare', (harness) => harness],
  ['with every policy', wrapped],
])('the decrypting manager over the transit engine, %s', (_, wrap) => {
  let store = new InMemorySecretManager();
  const harness = wrap({
    create: () => {
      const { address, rootToken } = bao;
      const auth = { method: 'token', token: rootToken } as const;
      const transit = vaultTransit({ address, auth, key: 'app' });
      store = new InMemorySecretManager();
      return new DecryptingSecretManager({ inner: store, decrypt: transit, encrypt: transit });
    },
    seed: async (name, value) => store.rotate(name, await encrypted(value)),
    fail: (fault) => store.fail(fault),
    spoil: (name) => store.rotate(name, 'vault:v1:AAAA'),
    caseTimeoutMs: 15_000,
  });
  const cases = secretManagerConformance(harness).filter(({ skip }) => skip === undefined);

  it('runs with most of the kit', () => {
    expect(cases.length).toBeGreaterThanOrEqual(120);
  });

  it.each(cases)('$title', async (conformanceCase) => {
    const run = conformanceCase.run();

    await expect(run).resolves.toBeUndefined();
  });
});
