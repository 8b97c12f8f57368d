import type { AwsParameterStoreSecretManager } from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import { failureOf } from '../../support/failure-of';
import { Fixture, parameter } from './fixture';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await new Fixture().start();
});

afterEach(() => fixture.close());

type Call = (manager: AwsParameterStoreSecretManager, name: string) => unknown;

/** Every operation that takes the name of a secret. */
const CALLS: readonly (readonly [what: string, call: Call])[] = [
  ['a read', (manager, name) => manager.readSecret(name)],
  ['a read of a version', (manager, name) => manager.readSecret(name, { params: { version: 2 } })],
  ['a batch', async (manager, name) => (await manager.readSecrets([name, 'other'])).get(name)],
  ['a batch of one', async (manager, name) => (await manager.readSecrets([name])).get(name)],
  ['a write', (manager, name) => manager.writeSecret(name, 'value')],
  ['a creation', (manager, name) => manager.writeSecret(name, 'value', { createOnly: true })],
  ['a deletion', (manager, name) => manager.deleteSecret(name)],
  ['a description', (manager, name) => manager.describeSecret(name)],
  ['a synchronous read', (manager, name) => manager.readSecretSync(name)],
];

async function failureIn(call: Call, manager: AwsParameterStoreSecretManager, name: string) {
  return await failureOf(async () => {
    const answer = await call(manager, name);
    if (answer instanceof Error) throw answer;
  });
}

const IMPOSSIBLE: readonly (readonly [name: string, text: RegExp])[] = [
  ['name:3', /":".*`params`: `version` or `label`/],
  ['a/name:label', /":"/],
  ['arn:aws:ssm:eu-central-1:123456789012:parameter/name', /":"/],
  ['aws/reference/secretsmanager/x', /"aws" or "ssm"/],
  ['/aws/reference/secretsmanager/x', /begins with a slash/],
  ['/NAME', /begins with a slash/],
  ['/a/b', /begins with a slash/],
  ['AWS/x', /"aws" or "ssm"/],
  ['Ssm/x', /"aws" or "ssm"/],
  ['ssm', /"aws" or "ssm"/],
  ['aws', /"aws" or "ssm"/],
  ['a name', /ASCII letters/],
  ['näme', /ASCII letters/],
  ['na=me', /ASCII letters/],
  ['a//b', /empty part/],
  ['//a', /begins with a slash/],
  ['a/', /empty part/],
  ['a/../b', /".." part/],
  ['', /is empty/],
  [Array(16).fill('l').join('/'), /16 levels/],
];

describe('an impossible name of a parameter', () => {
  it.each(IMPOSSIBLE)('%s is refused by a read, before anything is sent', async (name, text) => {
    const failure = await failureOf(fixture.manager().readSecret(name));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(failure.message).toMatch(text);
    expect(fixture.aws.requests).toEqual([]);
  });

  it.each(CALLS.flatMap(([what, call]) => IMPOSSIBLE.map(([name]) => [what, name, call] as const)))(
    'is refused in %s: %s',
    async (_, name, call) => {
      const failure = await failureIn(call, fixture.manager(), name);

      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: name });
      expect(fixture.aws.inputsOf('GetParameter')).toEqual(
        fixture.aws.inputsOf('GetParameter').filter(({ Name }) => Name === 'other'),
      );
      expect(fixture.aws.inputsOf('PutParameter')).toEqual([]);
    },
  );

  it('is refused with a `pathPrefix` that makes it too long', async () => {
    const manager = fixture.manager({ pathPrefix: 'p'.repeat(900) });

    const failure = await failureOf(manager.readSecret('n'.repeat(66)));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(failure.message).toContain('967 characters');
    await expect(manager.readSecret('n'.repeat(65))).resolves.toBeUndefined();
  });

  it('is refused with a `pathPrefix` that gives it too many levels', async () => {
    const manager = fixture.manager({ pathPrefix: '/a/b' });

    const failure = await failureOf(manager.readSecret(Array(14).fill('l').join('/')));

    expect(failure.message).toContain('16 levels');
    await expect(manager.readSecret(Array(13).fill('l').join('/'))).resolves.toBeUndefined();
  });
});

describe('a registration with names that no parameter can have', () => {
  it('is refused at start with every problem', () => {
    const manager = fixture.manager();
    const facts = { virtualKeyPrefix: 'aws/', fallback: 'never' as const };

    const refusal = () =>
      manager.validateRegistration({ ...facts, secretNames: ['KEY', 'a:1', 'ssm/x'] });

    expect(refusal).toThrow(/"a:1" has a ":".*"ssm\/x" begins.*"aws\/alias" begins/);
    expect(refusal).toThrow(expect.objectContaining({ code: 'MISCONFIGURED' }));
  });

  it('is accepted with a prefix, and without such names', () => {
    const facts = { virtualKeyPrefix: 'litellm/', fallback: 'never' as const };
    const prefixed = fixture.manager({ pathPrefix: '/app' });

    expect(() =>
      prefixed.validateRegistration({ ...facts, secretNames: ['aws/x', 'ssm'] }),
    ).not.toThrow();
    expect(() =>
      fixture.manager().validateRegistration({ ...facts, secretNames: ['a/b'] }),
    ).not.toThrow();
  });
});

describe('the name of a parameter', () => {
  it.each<[string, string | undefined, string]>([
    ['NAME', undefined, 'NAME'],
    ['a/b', undefined, '/a/b'],
    ['awsome', undefined, 'awsome'],
    ['a/aws/ssm', undefined, '/a/aws/ssm'],
    ['A_b.c-9', undefined, 'A_b.c-9'],
    [Array(15).fill('l').join('/'), undefined, `/${Array(15).fill('l').join('/')}`],
    ['NAME', 'app', '/app/NAME'],
    ['NAME', '/app', '/app/NAME'],
    ['NAME', '/app/', '/app/NAME'],
    ['a/b', 'app/x/', '/app/x/a/b'],
    ['aws/x', '/app', '/app/aws/x'],
    ['ssm', '/app', '/app/ssm'],
  ])('for %s with the prefix %s is %s', async (name, pathPrefix, expected) => {
    fixture.aws.reply('GetParameter', parameter(expected));
    const manager = fixture.manager({ pathPrefix });

    const reading = await manager.readSecret(name);

    expect(reading).toEqual({ value: `of ${expected}`, version: '1' });
    expect(fixture.aws.inputsOf('GetParameter')).toEqual([
      { Name: expected, WithDecryption: true },
    ]);
  });

  it('has a `:` with a prefix no more than without', async () => {
    const failure = await failureOf(fixture.manager({ pathPrefix: '/app' }).readSecret('a:1'));

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('is the same in every operation', async () => {
    const manager = fixture.manager({ pathPrefix: '/app' });
    fixture.aws.reply('GetParameters', { body: { InvalidParameters: ['/app/a', '/app/b'] } });
    fixture.aws.reply('DescribeParameters', { body: { Parameters: [{ Name: '/app/a' }] } });
    fixture.aws.reply('ListTagsForResource', { body: {} });
    fixture.aws.reply('AddTagsToResource', { body: {} });
    fixture.aws.reply('PutParameter', { body: { Version: 2 } });

    await manager.readSecrets(['a', 'b']);
    await manager.describeSecret('a');
    await manager.writeSecret('a', 'value', { tags: { team: 'x' } });
    await manager.deleteSecret('a');

    const named = fixture.aws.requests.map(({ input }) => JSON.stringify(input));
    expect(named.filter((text) => !text.includes('"/app/a"'))).toEqual([]);
    expect(named).toHaveLength(7);
  });
});
