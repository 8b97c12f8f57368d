import { Allow, IsString, ValidateBy } from 'class-validator';
import { Secret, SecretManagerModule, SecretValue } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager, secretsOf } from 'nestjs-custom-secret-manager/testing';
import { inspect } from 'node:util';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

const CANARY = 'canary-of-the-value';

const decorate = SecretValue as (...args: readonly unknown[]) => PropertyDecorator;

/** Returns a class with one field, declared as given. */
function classWith(...decorators: readonly PropertyDecorator[]): new () => { field: Secret } {
  class Declared {
    declare readonly field: Secret;
  }
  for (const decorator of decorators) decorator(Declared.prototype, 'field');
  return Declared;
}

function schema(validate: (given: unknown) => unknown): object {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

function rejected(): Promise<never> {
  return Promise.reject(new Error(CANARY));
}

class Tree {
  @Allow() readonly root!: unknown;
}
class Text {
  @IsString() readonly text!: string;
}
class FrozenText {
  @IsString() readonly text!: string;
  constructor() {
    Object.freeze(this);
  }
}

describe('the conversion of a text', () => {
  const rejections: unknown[] = [];
  const keep = (reason: unknown): void => void rejections.push(reason);

  beforeEach(() => {
    rejections.length = 0;
    process.on('unhandledRejection', keep);
  });

  afterEach(async () => {
    process.off('unhandledRejection', keep);
    await closeApplications();
  });

  const start = (type: new () => object, text: string, debug?: () => unknown) =>
    startApplication({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useFactory: () => new InMemorySecretManager({ A: text }) },
          environment: {},
          debug: debug,
        }),
        SecretManagerModule.forFeature(type),
      ],
    });

  const deep = (depth: number): string =>
    `{"root":${'['.repeat(depth)}"${CANARY}"${']'.repeat(depth)}}`;

  it.each<[string, new () => object, string, RegExp]>([
    [
      'JSON that is nested deeper than the stack',
      classWith(decorate('A', { json: Tree })),
      deep(100_000),
      /refused by `json`, which threw/,
    ],
    [
      'a schema that throws a promise',
      classWith(
        decorate('A', {
          schema: schema(() => {
            throw rejected(); // eslint-disable-line @typescript-eslint/only-throw-error
          }),
        }),
      ),
      CANARY,
      /refused by `schema`, which threw/,
    ],
    [
      'parse that throws a promise',
      classWith(
        decorate('A', {
          parse: () => {
            throw rejected(); // eslint-disable-line @typescript-eslint/only-throw-error
          },
        }),
      ),
      CANARY,
      /refused by `parse`, which threw/,
    ],
    [
      'parse that returns a function with `then`',
      classWith(decorate('A', { parse: () => Object.assign(() => 1, { then: () => 1 }) })),
      CANARY,
      /`parse` returned a promise/,
    ],
    ...[undefined, null, 5, {}].map((result): [string, new () => object, string, RegExp] => [
      `a schema that returns ${inspect(result)}`,
      classWith(decorate('A', { schema: schema(() => result) })),
      CANARY,
      /`schema` returned neither a value nor issues/,
    ]),
    [
      'a rule that returns a promise and does not declare it',
      classWith(
        decorate('A'),
        ValidateBy({ name: 'later', validator: { validate: rejected as never } }),
      ),
      CANARY,
      /has an asynchronous rule/,
    ],
    [
      'a json class that freezes its instances',
      classWith(decorate('A', { json: FrozenText })),
      `{"text":"${CANARY}"}`,
      /FrozenText freezes its instances/,
    ],
  ])('refuses %s', async (_, type, text, message) => {
    const error = await failureOf(start(type, text));
    await new Promise((resolve) => setImmediate(resolve));

    expect(error).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringMatching(message) });
    expect(inspect(error)).not.toContain(CANARY);
    expect(rejections).toEqual([]);
  });

  it('refuses a class that freezes its instances', async () => {
    class Frozen {
      @SecretValue('A') readonly field!: Secret;
      constructor() {
        Object.freeze(this);
      }
    }

    const error = await failureOf(start(Frozen, CANARY));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/Frozen freezes its instances in the constructor/);
  });

  it('drops a byte order mark before JSON', () => {
    class Marked {
      @SecretValue('A', { json: Text }) readonly field!: Secret<Text>;
    }

    const { field } = secretsOf(Marked, { A: '\ufeff{"text":"t"}' });

    expect(field.reveal().text).toBe('t');
  });

  it('ignores a debug hook that rejects', async () => {
    const error = await failureOf(start(classWith(decorate('A', { json: Text })), '{}', rejected));
    await new Promise((resolve) => setImmediate(resolve));

    expect(error.code).toBe('MISCONFIGURED');
    expect(rejections).toEqual([]);
  });
});
