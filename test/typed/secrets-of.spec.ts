import { type } from 'arktype';
import { IsIn, IsString, Matches, MaxLength, registerDecorator } from 'class-validator';
import { Secret, SecretValue } from 'nestjs-custom-secret-manager';
import { secretsOf } from 'nestjs-custom-secret-manager/testing';
import { inspect } from 'node:util';
import * as v from 'valibot';
import { z } from 'zod';
import { thrownBy } from '../support/thrown-by';

class Login {
  @IsString() readonly user!: string;
  @IsString({ each: true }) readonly roles: readonly string[] = [];
  readonly undeclared: unknown;
}

class Kinds {
  @SecretValue('LOGIN', { json: Login }) readonly login!: Secret<Login>;
  @SecretValue('ZOD', { schema: z.object({ on: z.boolean() }) }) readonly zod!: Secret<{
    on: boolean;
  }>;
  @SecretValue('VALIBOT', { schema: v.pipe(v.string(), v.email()) }) readonly valibot!: Secret;
  @SecretValue('ARK', { schema: type('number[]') }) readonly ark!: Secret<number[]>;
  @SecretValue('MAYBE', { optional: true }) readonly maybe!: Secret | undefined;
}

const GOOD = {
  LOGIN: '{"user":"u","roles":["r"],"__proto__":{"admin":true},"undeclared":1,"constructor":2}',
  ZOD: '{"on":true}',
  VALIBOT: 'a@b.cd',
  ARK: '[1,2]',
};

describe('secretsOf', () => {
  it('makes a validated instance with constant handles', async () => {
    const kinds = secretsOf(Kinds, GOOD);
    const login = kinds.login.reveal();

    expect(kinds).toBeInstanceOf(Kinds);
    expect(login).toEqual({ user: 'u', roles: ['r'], undeclared: undefined });
    expect(login).toBeInstanceOf(Login);
    expect(Reflect.get(login, 'admin')).toBeUndefined();
    expect(Object.isFrozen(login) && Object.isFrozen(login.roles)).toBe(true);
    expect([kinds.zod.reveal(), kinds.valibot.reveal(), kinds.ark.reveal()]).toEqual([
      { on: true },
      'a@b.cd',
      [1, 2],
    ]);
    expect(kinds.maybe).toBeUndefined();
    await expect(kinds.ark.get()).resolves.toEqual([1, 2]);
    await expect(kinds.ark.use((list) => list.length)).resolves.toBe(2);
    expect(kinds.ark.onChange(() => undefined)()).toBeUndefined();
    expect(inspect(kinds) + JSON.stringify(kinds)).not.toContain('a@b');
  });

  it('throws one error with all problems, without a value', () => {
    const Throws = (target: object, propertyName: string): void =>
      registerDecorator({
        target: target.constructor,
        propertyName,
        validator: {
          validate: (value) => {
            throw new Error(String(value));
          },
        },
      });
    class Strict {
      @SecretValue('A') @Matches(/^x$/, { message: 'got $value' }) readonly a!: Secret;
      @SecretValue('B') @IsIn(['canary-b2']) @MaxLength(2) readonly b!: Secret;
      @SecretValue('C', { json: Login }) readonly c!: Secret<Login>;
      @SecretValue('D', { schema: z.strictObject({}) }) readonly d!: Secret<object>;
      @SecretValue('E', { schema: v.record(v.picklist(['x']), v.number()) })
      readonly e!: Secret<object>;
      @SecretValue('F', { schema: type({ 'canary-f?': 'number' }) }) readonly f!: Secret<object>;
      @SecretValue('G', { parse: (text) => Promise.reject(new Error(text)) })
      readonly g!: Secret<Promise<never>>;
      @SecretValue('H', { schema: z.string().refine(() => Promise.resolve(false)) })
      readonly h!: Secret;
      @SecretValue('I') @Throws readonly i!: Secret;
      @SecretValue('J') readonly j!: Secret;
      @SecretValue('K') readonly k!: Secret;
    }

    const error = thrownBy(() =>
      secretsOf(Strict, {
        A: 'canary-a',
        B: 'canary-b',
        C: '{"user":{"canary-c":1},"canary-c2":1,"roles":{"canary-c3":1}}',
        D: '{"canary-d":1}',
        E: '{"canary-e":"canary-e2"}',
        F: '{"canary-f":"canary-f2"}',
        G: 'canary-g',
        H: 'canary-h',
        I: 'canary-i',
        J: '',
        Z: 'canary-z',
      }),
    );

    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    const shown = inspect(error, { depth: 9, showHidden: true });
    for (const field of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']) {
      expect(shown).toContain(`Strict.${field}: the secret`);
    }
    expect(shown).toMatch(/breaks the rule matches/);
    expect(shown).toMatch(/breaks the rules isIn, maxLength|breaks the rules maxLength, isIn/);
    expect(shown).toMatch(/is refused by `schema`, with 1 issue/);
    expect(shown).toMatch(/no field takes the secret "Z"/);
    expect(shown).not.toContain('canary');
  });

  it.each([undefined, null, 7, ['a']])('refuses %p in place of the values', (values) => {
    class One {
      @SecretValue('A') readonly a!: Secret;
    }

    const error = thrownBy(() => secretsOf(One, values as never));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/the values must be an object of texts by name/),
    });
  });

  it.each([null, 7, {}, true])('refuses %p in place of a text', (value) => {
    class One {
      @SecretValue('A') readonly a!: Secret;
    }

    const error = thrownBy(() => secretsOf(One, { A: value as never }));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/One\.a: the secret "A" must be a text/),
    });
  });
});
