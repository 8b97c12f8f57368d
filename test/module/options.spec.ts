import type { DynamicModule } from '@nestjs/common';
import { SecretManagerModule, type SecretManagerModuleOptions } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication, startWith } from '../support/application';
import { everythingOf, failureOf, leaks } from '../support/failure-of';

async function problemsOf(options: unknown): Promise<string> {
  const { code, message } = await failureOf(
    startWith(new InMemorySecretManager(), options as SecretManagerModuleOptions),
  );
  expect(code).toBe('MISCONFIGURED');
  return message;
}

const CANARY = 'hvs.canary-in-an-option';

function refuse(): never {
  throw new Error(CANARY);
}

function throwing(field: string): object {
  return Object.defineProperty({}, field, { enumerable: true, get: refuse });
}

function refusing(target: object): object {
  return new Proxy(target, { get: refuse, ownKeys: refuse, has: refuse });
}

describe('the options of the module', () => {
  afterEach(closeApplications);

  it('are reported wrong in one error, each by its field', async () => {
    const message = await problemsOf({
      settings: {
        accessMode: 'everything',
        hostedKeys: 'A,B',
        tags: { team: 1 },
        storeVirtualKeys: 'yes',
      },
      fallback: 'sometimes',
      environment: 'process.env',
      preload: ['../A', { name: 'B', optional: false }, 3],
      timeoutMs: -1,
      attemptTimeoutMs: Infinity,
      cache: { ttlMs: Number.NaN, maxEntries: 0.5 },
      retry: { maxAttempts: 0, budgetRatio: 2 },
      circuitBreaker: true,
      debug: 'yes',
      timeout: 30,
    });

    const fields = [
      'settings.accessMode',
      'settings.hostedKeys',
      'settings.tags',
      'settings.storeVirtualKeys',
      'fallback',
      'environment',
      'preload[0]',
      'preload[1]',
      'preload[2]',
      'timeoutMs',
      'attemptTimeoutMs',
      'cache.ttlMs',
      'cache.maxEntries',
      'retry.maxAttempts',
      'retry.budgetRatio',
      'circuitBreaker',
      'debug',
      '"timeout" is not an option',
    ];
    for (const field of fields) expect(message).toContain(`- ${field}`);
    expect(message.split('\n- ')).toHaveLength(fields.length + 1);
  });

  it('are reported wrong without a value', async () => {
    const message = await problemsOf({
      settings: {
        accessMode: CANARY,
        description: { CANARY },
        tags: { team: [CANARY] },
        hostedKeys: CANARY,
        prefixForStoredVirtualKeys: [CANARY],
        primarySecretName: { CANARY },
      },
      fallback: CANARY,
      environment: CANARY,
      timeoutMs: CANARY,
      cache: CANARY,
      retry: { maxAttempts: CANARY },
    });

    expect(leaks(message, CANARY)).toBe(false);
  });

  it.each([
    ['accessMode', { access_mode: 'read_only' }],
    ['hostedKeys', { hosted_keys: ['A'] }],
    ['storeVirtualKeys', { store_virtual_keys: true }],
    ['prefixForStoredVirtualKeys', { prefix_for_stored_virtual_keys: 'x/' }],
    ['primarySecretName', { primary_secret_name: 'all' }],
  ])('suggest %s for the spelling of LiteLLM', async (field, settings) => {
    const message = await problemsOf({ settings });

    expect(message).toContain(
      `${JSON.stringify(Object.keys(settings)[0])} is not a setting; did you mean ${field}?`,
    );
  });

  it('list the known fields for an unknown one', async () => {
    const message = await problemsOf({ settings: { region: 'x' }, cache: { ttl: 5 } });

    expect(message).toMatch(
      /settings\."region" is not a setting; there are accessMode, hostedKeys/,
    );
    expect(message).toMatch(/cache\."ttl" is not an option; there are ttlMs/);
  });

  it('explain how to make a list from an environment variable', async () => {
    const message = await problemsOf({ settings: { hostedKeys: 'A,B' } });

    expect(message).toMatch(/hostedKeys must be a list of names, and is a string; .*split\(','\)/);
  });

  it.each([
    [' B', 'white space'],
    ['B ', 'white space'],
    ['\u00a0B', 'white space'],
    ['\ufeffB', 'white space'],
    ['"B', 'a quote'],
    ['B"', 'a quote'],
    ["'B'", 'a quote'],
    ['`B`', 'a quote'],
    ['\u201cB\u201d', 'a quote'],
    ['os.environ/ B', 'white space'],
    ['os.environ/"B"', 'a quote'],
    [' os.environ/B', 'white space'],
  ])('refuse the name %j, wherever it is configured', async (name, what) => {
    const message = await problemsOf({
      settings: {
        hostedKeys: ['A', name, 'C', name],
        primarySecretName: name,
        prefixForStoredVirtualKeys: `${name}/`,
      },
      preload: ['A', name, { name, optional: true }],
    });

    const problems = message.split('\n- ').slice(1).sort();
    const quoted = JSON.stringify(name).replace('\ufeff', '\\ufeff');
    expect(problems).toEqual([
      expect.stringContaining(`preload[1] (${quoted}) has ${what} at an end`),
      expect.stringContaining(`preload[2] (${quoted}) has ${what} at an end`),
      expect.stringMatching(/^settings\.hostedKeys \[1\].* at an end.*, \[3\].* at an end/),
      expect.stringContaining(`has ${what} at an end`),
      expect.stringContaining(`has ${what} at an end`),
    ]);
  });

  it('permit white space and quotes inside a name', async () => {
    const settings = { hostedKeys: ['A B', "it's", 'A"B'] };
    const store = new InMemorySecretManager({ 'A B': 'value' });
    const { secrets } = await startWith(store, { settings });

    await expect(secrets.get('A B')).resolves.toBe('value');
  });

  it.each<[string, unknown, string]>([
    ['an unknown field', { name: 'A', alowEmpty: true }, '"alowEmpty" is not an option'],
    ['a flag that is no true', { name: 'A', allowEmpty: 'yes' }, 'allowEmpty: true'],
    ['a flag that is false', { name: 'A', optional: false }, 'optional: true'],
    ['no name', { optional: true }, '(undefined)'],
  ])('refuse an item of preload with %s', async (_, item, text) => {
    const message = await problemsOf({ preload: [item] });

    expect(message).toContain('- preload[0]');
    expect(message).toContain(text);
  });

  it('accept an item of preload that is a name in an object', async () => {
    const store = new InMemorySecretManager({ A: 'value' });

    const { secrets } = await startWith(store, { preload: [{ name: 'A' }] });

    expect(secrets.getSync('A')).toBe('value');
  });

  it.each<[string, () => object, string]>([
    ['a setting', () => ({ settings: throwing('hostedKeys') }), 'settings.hostedKeys could not'],
    ['settings', () => ({ settings: refusing({}) }), 'settings could not be read'],
    ['a tag', () => ({ settings: { tags: throwing('team') } }), 'settings.tags.team could not'],
    ['a list', () => ({ settings: { hostedKeys: refusing([]) } }), 'settings.hostedKeys could not'],
    ['an option of the cache', () => ({ cache: throwing('ttlMs') }), 'cache.ttlMs could not'],
    ['an item of preload', () => ({ preload: [throwing('name')] }), 'preload[0].name could not'],
    ['preload', () => ({ preload: refusing([]) }), 'preload could not'],
    ['an option', () => throwing('timeoutMs'), 'timeoutMs could not'],
    ['an unknown option', () => throwing('x y'), '"x y" could not'],
    ['all options', () => new Proxy({}, { ownKeys: refuse }), 'the options could not'],
  ])('are reported wrong if %s cannot be read, without the text', async (_, given, text) => {
    const manager = { useFactory: () => new InMemorySecretManager() };
    const start = (root: () => DynamicModule) => async () =>
      startApplication({ imports: [root()] });

    const error = await failureOf(
      start(() => SecretManagerModule.forRootAsync({ manager, useFactory: given })),
    );

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toContain(text);
    expect(leaks(everythingOf(error), CANARY)).toBe(false);
  });

  it('are reported wrong if forRoot itself cannot read them, without the text', async () => {
    const manager = { useFactory: () => new InMemorySecretManager() };
    const options = Object.defineProperty({ manager }, 'timeoutMs', {
      enumerable: true,
      get: () => refuse(),
    });

    const error = await failureOf(() => SecretManagerModule.forRoot(options));

    expect(error).toMatchObject({ code: 'MISCONFIGURED', operation: 'forRoot' });
    expect(error.message).toContain('timeoutMs could not be read');
    expect(leaks(everythingOf(error), CANARY)).toBe(false);
  });

  it('are read once: later results of a getter have no effect', async () => {
    let reads = 0;
    const settings = Object.defineProperty({}, 'accessMode', {
      enumerable: true,
      get: () => (reads++ === 0 ? 'read_only' : 'read_and_write'),
    });
    const { secrets } = await startWith(new InMemorySecretManager(), { settings });

    const error = await failureOf(secrets.set('KEY', 'value'));

    expect(error.code).toBe('NOT_PERMITTED');
    expect(reads).toBe(1);
  });

  it.each([
    [
      'an entry of hostedKeys that is no name',
      { hostedKeys: ['A', 'a/../b'] },
      /hostedKeys \[1\] \("a\/\.\.\/b"\)/,
    ],
    [
      'an entry of hostedKeys that is no string',
      { hostedKeys: [1] },
      /hostedKeys \[0\] \(\(a number\)\)/,
    ],
    [
      'an empty prefix',
      { prefixForStoredVirtualKeys: '' },
      /prefixForStoredVirtualKeys .*is empty/,
    ],
    ['a primary secret that is no name', { primarySecretName: '' }, /primarySecretName .*is empty/],
    ['settings that are a list', [], /settings must be an object, and is an array/],
    ['settings that are null', null, /settings must be an object, and is null/],
  ])('do not permit %s', async (_, settings, text) => {
    const message = await problemsOf({ settings });

    expect(message).toMatch(text);
  });

  it.each<[string, SecretManagerModuleOptions]>([
    ['are all optional', {}],
    [
      'may be undefined',
      { settings: undefined, cache: undefined, timeoutMs: undefined, preload: undefined },
    ],
    ['may take every policy out', { cache: false, retry: false, circuitBreaker: false }],
    [
      'may make every duration of the cache 0',
      { cache: { ttlMs: 0, staleIfErrorMs: 0, absenceTtlMs: 0 } },
    ],
  ])('%s', async (_, options) => {
    const { secrets } = await startWith(new InMemorySecretManager({ KEY: 'value' }), options);

    await expect(secrets.get('KEY')).resolves.toBe('value');
  });

  it('treat a setting that is null as not given, like LiteLLM', async () => {
    const settings = {
      hostedKeys: null,
      description: null,
      tags: null,
      primarySecretName: null,
      accessMode: 'read_and_write',
    };
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store, { settings: settings as never });

    await secrets.set('NEW', 'written');

    await expect(secrets.get('KEY')).resolves.toBe('value');
    const write = store.calls.find(({ operation }) => operation === 'writeSecret');
    expect(Object.keys(write?.options ?? {})).not.toContain('description');
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'options'],
    ['a list', []],
  ])('are reported wrong if a factory gives %s in their place', async (_, given) => {
    const root = SecretManagerModule.forRootAsync({
      manager: { useFactory: () => new InMemorySecretManager() },
      useFactory: () => given as never,
    });

    const error = await failureOf(startApplication({ imports: [root] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toMatch(/the options must be an object/);
  });
});
