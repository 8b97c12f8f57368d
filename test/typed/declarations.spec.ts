import type { DynamicModule } from '@nestjs/common';
import { IsString, Validate, ValidateNested, ValidatorConstraint } from 'class-validator';
import { Secret, SecretManagerModule, SecretValue } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

const untyped = SecretManagerModule as unknown as {
  forFeature(...args: readonly unknown[]): DynamicModule;
};
const decorate = SecretValue as (...args: readonly unknown[]) => PropertyDecorator;

/** Returns a class with one field, declared as given. */
function classWith(...args: readonly unknown[]): new () => object {
  class Wrong {
    declare readonly field: Secret;
  }
  decorate(...args)(Wrong.prototype, 'field');
  return Wrong;
}

class NoRules {
  readonly user!: string;
}
class Nested {
  @ValidateNested() readonly inner!: object;
}
class NeedsArguments {
  @IsString() readonly user: string;
  constructor(from: { user: string }) {
    this.user = from.user;
  }
}
@ValidatorConstraint({ async: true })
class Later {
  validate(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
class LaterRule {
  @Validate(Later) readonly user!: string;
}

describe('a wrong declaration', () => {
  afterEach(closeApplications);

  const start = (...args: readonly unknown[]) =>
    failureOf(
      startApplication({
        imports: [
          SecretManagerModule.forRoot({
            manager: { useFactory: () => new InMemorySecretManager({ A: 'canary' }) },
            environment: {},
          }),
          untyped.forFeature(...args),
        ],
      }),
    );

  it.each<[string, new () => object, RegExp]>([
    [
      'no name',
      classWith(),
      /Wrong\.field \(the name of the secret\).*must be a string, and is undefined/,
    ],
    ['an empty name', classWith(''), /Wrong\.field .*is empty/],
    ['a name with a control character', classWith('a\nb'), /control character/],
    [
      'options that are no object',
      classWith('A', 7),
      /has options that must be an object, and are a number/,
    ],
    ['an unknown option', classWith('A', { parser: Number }), /"parser" is not an option/],
    [
      'parse that is no function',
      classWith('A', { parse: 'int' }),
      /`parse`, which must be a function/,
    ],
    ['a schema that is none', classWith('A', { schema: {} }), /must implement Standard Schema/],
    [
      'parse and json',
      classWith('A', { parse: Number, json: Nested }),
      /has parse and json\. Give one/,
    ],
    [
      'json that is undefined',
      classWith('A', { json: undefined }),
      /two files that import each other/i,
    ],
    ['json that is no class', classWith('A', { json: () => 1 }), /`json` must be a class/],
    [
      'a json class without rules',
      classWith('A', { json: NoRules }),
      /NoRules has no class-validator decorators/,
    ],
    [
      'a json class with nested rules',
      classWith('A', { json: Nested }),
      /Nested validates nested objects/,
    ],
    [
      'a json class with arguments',
      classWith('A', { json: NeedsArguments }),
      /cannot be constructed without arguments/,
    ],
    [
      'a json class with an asynchronous rule',
      classWith('A', { json: LaterRule }),
      /asynchronous rule/,
    ],
  ])('of %s keeps the application from starting', async (_, type, message) => {
    const error = await start(type);

    expect(error).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringMatching(message) });
    expect(error.message).not.toContain('canary');
  });

  it('is reported with all others, and with the wrong names', async () => {
    class Empty {}
    class Twice {
      @SecretValue('A') @SecretValue('B') readonly field!: Secret;
      @decorate('A') static readonly other: Secret;
      @decorate('A') method(): string {
        return 'a';
      }
      @SecretValue('A') @Validate(Later) readonly later!: Secret;
    }

    const { code, message } = await start([Empty, Twice, 'ok', 7, undefined, () => 1]);

    expect(code).toBe('MISCONFIGURED');
    for (const problem of [
      /Empty has no field with @SecretValue/,
      /Twice\.field has @SecretValue twice/,
      /Twice\.other is no field of the instances/,
      /Twice\.method is no field of the instances/,
      /Twice\.later has an asynchronous rule/,
      /\[3\] must be a name/,
      /\[4\] must be a name.*import each other/,
      /is neither a name nor a class/,
    ]) {
      expect(message).toMatch(problem);
    }
  });

  it('is reported if no manager is registered', async () => {
    class Optional {
      @SecretValue('A', { optional: true }) readonly a!: Secret | undefined;
    }
    const error = await failureOf(startApplication({ imports: [untyped.forFeature(Optional)] }));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/of Optional found no manager/),
    });
  });

  it('without experimentalDecorators is refused at once', () => {
    const standard = decorate('A') as unknown as (value: unknown, context: object) => void;

    expect(() => standard(undefined, { kind: 'field', name: 'field' })).toThrow(
      expect.objectContaining({
        code: 'MISCONFIGURED',
        message: expect.stringMatching(/needs `experimentalDecorators: true`/),
      }),
    );
  });

  it('of a field is replaced by that of a subclass', async () => {
    class Parent {
      @SecretValue('MISSING') readonly a!: Secret;
      @SecretValue('A') readonly b!: Secret;
    }
    class Child extends Parent {
      @SecretValue('A') declare readonly a: Secret;
    }
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useFactory: () => new InMemorySecretManager({ A: 'a' }) },
        }),
        SecretManagerModule.forFeature(Child),
      ],
    });

    const child = app.get(Child);

    expect([child.a.reveal(), child.b.reveal()]).toEqual(['a', 'a']);
  });
});
