/* eslint-disable @typescript-eslint/no-base-to-string, @typescript-eslint/restrict-template-expressions -- what is tested here */
import { Secret, type SecretsService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { type AssertionError, deepStrictEqual } from 'node:assert';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect, types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { closeApplications, startWith } from '../support/application';
import { failureOf, leaks } from '../support/failure-of';

const CANARY = 'hvs.CAESIJ-canary-behind-a-handle';

function printed(value: unknown): string {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk.toString());
      done();
    },
  });
  const output = new Console(stream);
  output.log(value);
  output.dir(value, { showHidden: true, depth: 9 });
  output.table([value]);
  return chunks.join('');
}

function asserted(value: unknown): string {
  try {
    deepStrictEqual(value, { other: 1 });
  } catch (error) {
    const { message, actual } = error as AssertionError;
    return `${message} ${inspect(actual, { depth: 9, showHidden: true })}`;
  }
  throw new Error('equal');
}

function inheritedAndOwn(value: object): string {
  const seen: string[] = [];
  for (const name in value) seen.push(name, String(Reflect.get(value, name)));
  seen.push(inspect(Object.getOwnPropertyDescriptors(value), { depth: 9 }));
  seen.push(inspect(Reflect.ownKeys(value)));
  return seen.join();
}

const WAYS: readonly [string, (value: object) => unknown][] = [
  ['String()', (value) => String(value)],
  ['a template', (value) => `${value}`],
  ['concatenation', (value) => '' + (value as unknown as string)],
  ['toLocaleString', (value) => value.toLocaleString()],
  ['Object.prototype.toString', (value) => Object.prototype.toString.call(value)],
  ['JSON.stringify', (value) => JSON.stringify({ value })],
  ['inspect', (value) => inspect({ value })],
  [
    'inspect with showHidden',
    (value) => inspect(value, { showHidden: true, depth: 9, getters: true }),
  ],
  [
    'inspect without custom',
    (value) => inspect(value, { customInspect: false, showHidden: true, depth: 9 }),
  ],
  ['format', (value) => format('%s %o %O %j', value, value, value, value)],
  ['a spread', (value) => inspect({ ...value }, { depth: 9 })],
  ['Object.assign', (value) => inspect(Object.assign({}, value), { depth: 9 })],
  ['Object.entries', (value) => inspect(Object.entries(value), { depth: 9 })],
  ['for in and descriptors', inheritedAndOwn],
  ['structuredClone', (value) => inspect(structuredClone(value), { depth: 9, showHidden: true })],
  [
    'v8.serialize',
    (value) => serialize(value).toString('latin1') + inspect(deserialize(serialize(value))),
  ],
  ['an assertion', asserted],
  ['a console', printed],
  ['an error', (value) => inspect(new Error(String(value), { cause: value }), { depth: 9 })],
];

describe('a handle to a secret', () => {
  let secrets: SecretsService;
  let store: InMemorySecretManager;
  let handle: Secret;

  beforeEach(async () => {
    store = new InMemorySecretManager({ KEY: CANARY });
    ({ secrets } = await startWith(store, { preload: ['KEY'] }));
    handle = secrets.secret('KEY');
  });
  afterEach(closeApplications);

  it.each(WAYS)('does not disclose its value through %s', (_, turn) => {
    const text = String(turn(handle));

    expect(handle.reveal()).toBe(CANARY);
    expect(leaks(text, CANARY)).toBe(false);
  });

  it.each([
    ['String()', (value: Secret) => String(value)],
    ['a template', (value: Secret) => `${String(value)}`],
    ['concatenation', (value: Secret) => '' + (value as unknown as string)],
    ['JSON', (value: Secret) => JSON.parse(JSON.stringify(value)) as string],
    ['inspect', (value: Secret) => inspect(value)],
    ['inspect with showHidden', (value: Secret) => inspect(value, { showHidden: true, depth: 9 })],
    ['format', (value: Secret) => format('%s', value)],
  ])('prints as [secret NAME] through %s', (_, turn) => {
    expect(turn(handle)).toBe('[secret KEY]');
  });

  it('is NaN as a number', () => {
    expect(Number(handle)).toBeNaN();
  });

  it('is copied without its value', () => {
    const copies = [
      { ...handle },
      structuredClone(handle),
      deserialize(serialize(handle)) as object,
    ];

    expect(copies.map((copy) => Reflect.ownKeys(copy))).toEqual([[], [], []]);
    expect(copies.some((copy) => 'reveal' in copy)).toBe(false);
    expect(types.isProxy(handle)).toBe(false);
  });

  it.each(WAYS.filter(([way]) => !/^v8|structuredClone/.test(way)))(
    'is not visible through the service, by %s',
    (_, turn) => {
      const text = String(turn(secrets));

      expect(leaks(text, CANARY)).toBe(false);
    },
  );

  it('reveals the current value', async () => {
    store.rotate('KEY', 'next');
    await secrets.refresh('KEY');

    expect(handle.reveal()).toBe('next');
    await expect(handle.get()).resolves.toBe('next');
  });

  it('accepts the options of get', async () => {
    store.rotate('KEY', 'next');

    const values = [await handle.get(), await handle.get({ maxAgeMs: 0 })];

    expect(values).toEqual([CANARY, 'next']);
  });

  it('reports a missing secret', async () => {
    const none = secrets.secret('NONE');

    const errors = [await failureOf(() => none.reveal()), await failureOf(none.get())];

    expect(errors).toMatchObject([
      { code: 'NOT_FOUND', secretName: 'NONE' },
      { code: 'NOT_FOUND', secretName: 'NONE' },
    ]);
  });

  it('reveals the value of the environment, if the store has none', async () => {
    const { secrets: others } = await startWith(new InMemorySecretManager(), {
      environment: { KEY: 'env' },
    });

    expect(others.secret('KEY').reveal()).toBe('env');
  });

  it('is an instance of Secret', () => {
    expect(handle).toBeInstanceOf(Secret);
  });

  it('has a printable name', () => {
    expect(secrets.secret('os.environ/KEY').name).toBe('KEY');
  });
});
