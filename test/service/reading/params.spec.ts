import {
  CustomSecretManager,
  VirtualKeysService,
  type OperationOptions,
  type SecretsService,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';

/** Returns the params of a read as its value. */
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

const CANARY = 'hvs.CAESIJ-canary-q8';

function refuse(): never {
  throw new Error(CANARY);
}

function throwing(field: string): object {
  return Object.defineProperty({}, field, { enumerable: true, get: refuse });
}

function refusing(target: object): object {
  return new Proxy(target, { get: refuse, ownKeys: refuse, has: refuse, getPrototypeOf: refuse });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

class Instance {
  tenant = 'acme';
}
const nested = (open: string, close: string, inside = ''): unknown =>
  JSON.parse(open.repeat(200_000) + inside + close.repeat(200_000));

const circular: Record<string, unknown> = {};
circular.self = circular;

describe('params', () => {
  afterEach(closeApplications);

  it('reach the manager unchanged', async () => {
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

  it('are copied when the call is made', async () => {
    const manager = new InMemorySecretManager();
    const { secrets } = await startWith(manager);
    const params = { mount: 'one' };

    const reading = secrets.get('KEY', { params });
    params.mount = 'two';
    await reading;

    expect(manager.calls.at(-1)?.options?.params).toEqual({ mount: 'one' });
  });

  it('make a key that no name can equal', async () => {
    const { secrets } = await startWith(new InMemorySecretManager({ KEY: 'of a tenant' }));
    await secrets.get('KEY', { params: { mount: 'tenant' } });

    const error = await failureOf(secrets.get('KEY\u0000{"mount":"tenant"}'));

    expect(error.code).toBe('INVALID_ARGUMENT');
  });

  it('are not added if none are given', async () => {
    const manager = new Tenants();
    const { secrets } = await startWith(manager);

    await secrets.get('KEY');

    expect(manager.handed[0]?.params).toBeUndefined();
    expect(manager.handed[0]?.timeoutMs).toBeLessThanOrEqual(10_000);
  });

  it('are part of the key, in any order', async () => {
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

  it('separate the secrets of tenants', async () => {
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
    ['lists that are nested 200 000 deep', { a: nested('[', ']') }],
    ['objects that are nested 200 000 deep', { a: nested('{"a":', '}', '1') }],
    ['undefined in a list', { a: [undefined] }],
    ['a list', ['a']],
    ['a string', 'version=1'],
    ['null', null],
  ])('that are not plain JSON are refused before a call to the store: %s', async (_, params) => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store);
    await secrets.get('KEY');

    const error = await failureOf(secrets.get('KEY', { params: params as never }));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'KEY', operation: 'get' });
    expect(error.message).toContain('plain JSON');
    expect(store.calls).toHaveLength(1);
  });

  it.each<[string, () => unknown]>([
    ['a getter that throws', () => throwing('tenant')],
    ['a getter deep inside that throws', () => ({ a: [{ b: throwing('c') }] })],
    ['a proxy', () => refusing({})],
    ['a proxy of a list', () => ({ a: refusing([]) })],
    ['a proxy inside', () => ({ a: refusing({}) })],
    ['a revoked proxy', () => ({ a: revoked() })],
    ['a revoked proxy itself', revoked],
    ['toJSON', () => ({ toJSON: () => ({ token: CANARY }) })],
    ['toJSON inside', () => ({ a: { toJSON: refuse } })],
    ['a prototype', (): unknown => Object.create({ token: CANARY })],
    ['an iterator that throws', () => ({ a: Object.assign([1], { [Symbol.iterator]: refuse }) })],
    ['4 KiB of text', () => ({ a: CANARY.repeat(300) })],
    ['4 KiB of a long name', () => ({ [CANARY.repeat(300)]: 1 })],
    ['4 KiB of small items', () => ({ a: Array.from({ length: 4_097 }, () => 1) })],
    ['4 KiB in bytes, not in characters', () => ({ a: 'ü'.repeat(2_050) })],
    ['4 KiB when escaped', () => ({ a: '\n'.repeat(2_050) })],
    ['a list without an end', () => ({ a: Object.assign([], { length: 2 ** 32 - 1 }) })],
  ])('that have %s are refused by every call, without their text', async (_, params) => {
    const store = new InMemorySecretManager({ KEY: 'true' });
    const { app, secrets } = await startWith(store, {
      settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
    });
    const keys = app.get(VirtualKeysService);
    const options = { params: params() } as never;

    const errors = [
      ...CALLS.map(
        ([, call]) =>
          () =>
            call(secrets, options),
      ),
      () => secrets.secret('KEY').get(options),
      () => secrets.rotate('KEY', { name: 'OTHER', value: 'next' }, options),
      () => secrets.checkHealth(options),
      () => keys.create({ id: '1' }, options),
      () => keys.verify({ id: '1' }, 'sk-1', options),
      () => keys.rotate({ id: '1' }, {}, options),
      () => keys.rename({ id: '1' }, { alias: 'a' }, options),
      async () => {
        const outcome = (await keys.delete([{ id: '1' }], options)).get('1');
        throw outcome ?? new Error('deleted');
      },
    ].map(failureOf);

    for (const error of await Promise.all(errors)) {
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', retryable: false });
      expect(error.message).toMatch(/`params` (must|could)/);
      expect(leaks(everythingOf(error), CANARY)).toBe(false);
    }
    expect(store.calls).toEqual([]);
  });

  it.each<[string, string, () => object]>([
    ['params', 'params', () => throwing('params')],
    ['timeoutMs', 'timeoutMs', () => throwing('timeoutMs')],
    ['signal', 'signal', () => throwing('signal')],
    ['a property of the signal', 'signal', () => ({ signal: throwing('aborted') })],
    ['tags', 'tags', () => throwing('tags')],
    ['a tag', 'tags', () => ({ tags: throwing('team') })],
    ['the names of the tags', 'tags', () => ({ tags: refusing({}) })],
    ['everything', '', () => refusing({})],
  ])('cannot leak the text of a getter of the options: %s', async (_, option, options) => {
    const store = new InMemorySecretManager({ KEY: 'true' });
    const { app, secrets } = await startWith(store, {
      settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
    });
    await secrets.get('KEY');
    const keys = app.get(VirtualKeysService);
    const given = options() as never;

    const errors = [
      ...CALLS.map(
        ([, call]) =>
          () =>
            call(secrets, given),
      ),
      () => secrets.secret('KEY').get(given),
      () => keys.create({ id: '1' }, given),
      () => keys.verify({ id: '1' }, 'sk-1', given),
      () => keys.rotate({ id: '1' }, {}, given),
    ].map(failureOf);

    for (const error of await Promise.all(errors)) {
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(error.message).toContain(option);
      expect(leaks(everythingOf(error), CANARY)).toBe(false);
    }
    expect(store.calls).toHaveLength(1);
  });

  it('cannot leak the text of a getter of any other argument', async () => {
    const { app, secrets } = await startWith(new InMemorySecretManager({ KEY: 'true' }), {
      settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
    });
    const keys = app.get(VirtualKeysService);

    const errors = [
      () => secrets.rotate('KEY', throwing('value') as never),
      () => secrets.rotate('KEY', refusing({}) as never),
      () => secrets.get(refusing({}) as never),
      () => secrets.get(revoked() as never),
      () => secrets.set('KEY', refusing({}) as never),
      () => secrets.getMany(refusing([]) as never),
      () => secrets.getMany(revoked() as never),
      () => keys.create(throwing('id') as never),
      () => keys.create(Object.assign(throwing('value'), { id: '1' })),
      () => keys.verify(refusing({}) as never, 'sk-1'),
      () => keys.rotate({ id: '1' }, throwing('value')),
      () => keys.rename({ id: '1' }, throwing('alias') as never),
      () => keys.delete(refusing([]) as never),
      async () => {
        const [outcome] = (await keys.delete([throwing('id') as never])).values();
        throw outcome ?? new Error('deleted');
      },
    ].map(failureOf);

    for (const error of await Promise.all(errors)) {
      expect(error.code).toBe('INVALID_ARGUMENT');
      expect(leaks(everythingOf(error), CANARY)).toBe(false);
    }
  });

  it('are read once, and reach the manager unchanged', async () => {
    const manager = new InMemorySecretManager();
    const { secrets } = await startWith(manager);
    let reads = 0;
    const params: Record<string, unknown> = Object.defineProperty({}, 'mount', {
      enumerable: true,
      get: () => `read ${++reads}`,
    });

    await secrets.get('KEY', { params });

    expect(reads).toBe(1);
    expect(manager.calls.at(-1)?.options?.params).toEqual({ mount: 'read 1' });
  });

  it('may have a property with the name __proto__', async () => {
    const manager = new InMemorySecretManager();
    const { secrets } = await startWith(manager);

    await secrets.get('KEY', {
      params: JSON.parse('{"__proto__": {"mount": "x"}}') as Record<string, unknown>,
    });

    const params = manager.calls.at(-1)?.options?.params;
    expect(JSON.stringify(params)).toBe('{"__proto__":{"mount":"x"}}');
    expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
  });

  it.each<[string, Record<string, unknown>]>([
    ['text', { a: 'x'.repeat(4_096 - '{"a":""}'.length) }],
    ['text of two bytes a character', { a: 'ü'.repeat((4_096 - '{"a":""}'.length) / 2) }],
    ['items', { a: Array.from({ length: 2_044 }, () => 1) }],
  ])('may have at most 4 KiB: %s', async (_, params) => {
    const { secrets } = await startWith(new InMemorySecretManager({ KEY: 'value' }));
    expect(Buffer.byteLength(JSON.stringify(params))).toBeGreaterThanOrEqual(4_095);

    await expect(secrets.get('KEY', { params })).resolves.toBe('value');

    const error = await failureOf(secrets.get('KEY', { params: { ...params, b: 1 } }));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toContain('4096 bytes');
  });

  it('that are large are refused before they are serialized', async () => {
    const { secrets } = await startWith(new InMemorySecretManager());
    const params = { a: Array.from({ length: 200 }, () => 'x'.repeat(1_000_000)) };
    const before = process.cpuUsage(); // time on the clock counts what other processes do

    const error = await failureOf(secrets.get('KEY', { params }));

    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(process.cpuUsage(before).user).toBeLessThan(500_000); // microseconds
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

  it('do not appear in the result of inspect', async () => {
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
  ])('are reported wrong by name: %s in %j', async (option, options) => {
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
  ])('of a write are reported wrong by name: %s', async (option, options) => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });

    const error = await failureOf(secrets.set('KEY', 'value', options));

    expect(error.message).toContain(`\`${option}\``);
    expect(store.calls).toEqual([]);
  });

  it('of a deletion are reported wrong: a window below 0', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), {
      settings: { accessMode: 'read_and_write' },
    });

    const error = await failureOf(secrets.delete('KEY', { recoveryWindowInDays: -1 }));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toContain('`recoveryWindowInDays`');
  });

  it.each(CALLS)('must be an object for %s, or it throws a SecretManagerError', async (_, call) => {
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
