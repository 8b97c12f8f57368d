import {
  CustomSecretManager,
  type OperationOptions,
  type SecretsService,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../support/application';
import { everythingOf, failureOf } from '../support/failure-of';

/** Answers what it was asked by. */
class Tenants extends CustomSecretManager {
  readonly handed: OperationOptions[] = [];

  constructor() {
    super('tenants');
  }
  override async readSecret(secretName: string, options: OperationOptions = {}): Promise<string> {
    this.handed.push(options);
    return JSON.stringify([secretName, options.params]);
  }
}

const CALLS: readonly [string, (secrets: SecretsService, options: object) => unknown][] = [
  ['get', (secrets, options) => secrets.get('KEY', options)],
  ['getOrThrow', (secrets, options) => secrets.getOrThrow('KEY', options)],
  ['getSync', (secrets, options) => secrets.getSync('KEY', options)],
  ['getBoolean', (secrets, options) => secrets.getBoolean('KEY', options)],
  ['getMany', (secrets, options) => secrets.getMany(['KEY'], options)],
  ['set', (secrets, options) => secrets.set('KEY', 'value', options)],
  ['delete', (secrets, options) => secrets.delete('KEY', options)],
  ['rotate', (secrets, options) => secrets.rotate('KEY', { value: 'value' }, options)],
];

class Instance {
  tenant = 'acme';
}
const circular: Record<string, unknown> = {};
circular.self = circular;

describe('params', () => {
  afterEach(closeApplications);

  it('reach the manager untouched', async () => {
    const manager = new Tenants();
    const { secrets } = await startWith(manager);
    const params = Object.freeze({
      mount: 'acme',
      version: 3,
      deep: { list: [1, null, 'x', true] },
      left: undefined,
    });

    await secrets.get('KEY', { params });

    expect(manager.handed[0]?.params).toStrictEqual(params);
  });

  it('are what they were when the call was made, whatever becomes of the object', async () => {
    const manager = new InMemorySecretManager();
    const { secrets } = await startWith(manager);
    const params = { mount: 'one' };

    const reading = secrets.get('KEY', { params });
    params.mount = 'two';
    await reading;

    expect(manager.calls.at(-1)?.options?.params).toEqual({ mount: 'one' });
  });

  it('make no key that a name could be written as', async () => {
    const { secrets } = await startWith(new InMemorySecretManager({ KEY: 'of a tenant' }));
    await secrets.get('KEY', { params: { mount: 'tenant' } });

    const error = await failureOf(secrets.get('KEY\u0000{"mount":"tenant"}'));

    expect(error.code).toBe('INVALID_ARGUMENT');
  });

  it('are not made up where none are given', async () => {
    const manager = new Tenants();
    const { secrets } = await startWith(manager);

    await secrets.get('KEY');

    expect(manager.handed[0]?.params).toBeUndefined();
    expect(manager.handed[0]?.timeoutMs).toBeLessThanOrEqual(10_000);
  });

  it('are a part of the key, in any order of theirs', async () => {
    const manager = new Tenants();
    const { secrets } = await startWith(manager);

    await Promise.all([
      secrets.get('KEY'),
      secrets.get('KEY', { params: {} }),
      secrets.get('KEY', { params: { a: undefined } }),
      secrets.get('KEY', { params: { a: 1, b: { c: 2, d: 3 } } }),
      secrets.get('KEY', { params: { b: { d: 3, c: 2 }, a: 1 } }),
      secrets.get('KEY', { params: { a: '1' } }),
      secrets.get('KEY', { params: { a: 1 } }),
      secrets.get('KEY', { params: { a: [1, 2] } }),
      secrets.get('KEY', { params: { a: [2, 1] } }),
    ]);
    await secrets.get('KEY', { params: { b: { c: 2, d: 3 }, a: 1 } });

    expect(manager.handed).toHaveLength(6);
  });

  it('never let one tenant see the secret of another', async () => {
    const { secrets } = await startWith(new Tenants());
    await secrets.get('KEY', { params: { tenant: 'a' } });

    const values = await Promise.all([
      secrets.get('KEY', { params: { tenant: 'b' } }),
      secrets.get('KEY'),
      secrets.get('KEY', { params: { tenant: 'a' } }),
    ]);

    expect(values).toEqual(['["KEY",{"tenant":"b"}]', '["KEY",null]', '["KEY",{"tenant":"a"}]']);
  });

  it.each<[string, unknown]>([
    ['a function', { a: () => 1 }],
    ['a symbol', { a: Symbol('x') }],
    ['a BigInt', { a: 1n }],
    ['NaN', { a: Number.NaN }],
    ['Infinity', { a: [Infinity] }],
    ['a Date', { a: new Date(0) }],
    ['a Map', { a: new Map() }],
    ['an instance of a class', { a: new Instance() }],
    ['an instance of a class itself', new Instance()],
    ['a circle', circular],
    ['undefined in a list', { a: [undefined] }],
    ['a list', ['a']],
    ['a string', 'version=1'],
    ['null', null],
  ])('that are not plain JSON are refused before the store is asked: %s', async (_, params) => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store);
    await secrets.get('KEY');

    const error = await failureOf(secrets.get('KEY', { params: params as never }));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY', operation: 'get' });
    expect(error.message).toContain('plain JSON');
    expect(store.calls).toHaveLength(1);
  });

  it.each(CALLS)('are checked by %s, and not quoted', async (_, call) => {
    const store = new InMemorySecretManager({ KEY: 'true' });
    const { secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });

    const error = await failureOf(() =>
      call(secrets, { params: { token: 'hvs.canary', at: new Date(0) } }),
    );

    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(everythingOf(error)).not.toContain('hvs.canary');
    expect(store.calls).toEqual([]);
  });

  it('do not show in what inspect tells', async () => {
    const { secrets } = await startWith(new Tenants());
    await secrets.get('KEY', { params: { token: 'hvs.canary' } });

    const inspected = secrets.inspect();

    expect(inspected).toMatchObject([{ name: 'KEY', state: 'fresh' }]);
    expect(everythingOf([inspected, secrets])).not.toContain('hvs.canary');
  });
});

describe('the options of a call', () => {
  afterEach(closeApplications);

  it.each<[string, object]>([
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: -5 }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['timeoutMs', { timeoutMs: '30s' }],
    ['maxAgeMs', { maxAgeMs: -1 }],
    ['fallback', { fallback: 'sometimes' }],
    ['default', { default: 7 }],
    ['signal', { signal: {} }],
  ])('are told wrong by their name: %s in %j', async (option, options) => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store);

    const error = await failureOf(secrets.get('KEY', options));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'get', secretName: 'KEY' });
    expect(error.message).toContain(`\`${option}\``);
    expect(store.calls).toEqual([]);
  });

  it.each<[string, object]>([
    ['tags', { tags: { team: 1 } }],
    ['description', { description: 7 }],
    ['createOnly', { createOnly: 'yes' }],
  ])('of a write are told wrong by their name: %s', async (option, options) => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });

    const error = await failureOf(secrets.set('KEY', 'value', options));

    expect(error.message).toContain(`\`${option}\``);
    expect(store.calls).toEqual([]);
  });

  it('of a deletion are told wrong: a window below 0', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), {
      settings: { accessMode: 'read_and_write' },
    });

    const error = await failureOf(secrets.delete('KEY', { recoveryWindowInDays: -1 }));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toContain('`recoveryWindowInDays`');
  });

  it.each(CALLS)('are an object to %s, or a SecretManagerError says so', async (_, call) => {
    const store = new InMemorySecretManager({ KEY: 'true' });
    const { secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });

    const error = await failureOf(() => call(secrets, null as never));

    expect(error.code).toBe('INVALID_ARGUMENT');
  });

  it('reach the manager through a spread', async () => {
    const manager = new Tenants();
    const { secrets } = await startWith(manager);
    await secrets.get('KEY', { timeoutMs: 500 });

    const spread = { ...manager.handed[0] };

    expect(spread.timeoutMs).toBeLessThanOrEqual(500);
    expect(spread.signal).toBeInstanceOf(AbortSignal);
  });
});
