import { type } from 'arktype';
import { IsString } from 'class-validator';
import { Secret, SecretValue } from 'nestjs-custom-secret-manager';
import * as v from 'valibot';
import { z } from 'zod';

class Login {
  @IsString() readonly user!: string;
}
class Other {
  @IsString() readonly other!: string;
}

/** The compiler checks this class: an unused `@ts-expect-error` is an error, too. */
class Fields {
  @SecretValue('A') readonly text!: Secret;
  @SecretValue('A', { allowEmpty: true }) readonly empty!: Secret<string>;
  @SecretValue('A', { optional: true }) readonly maybe!: Secret | undefined;
  @SecretValue('A', { parse: Number }) readonly number!: Secret<number>;
  @SecretValue('A', { parse: (text) => text.split(',') }) readonly list!: Secret<string[]>;
  @SecretValue('A', { json: Login }) readonly login!: Secret<Login>;
  @SecretValue('A', { json: Login, optional: true }) readonly maybeLogin?: Secret<Login>;
  @SecretValue('A', { schema: z.object({ on: z.boolean() }) }) readonly zod!: Secret<{
    on: boolean;
  }>;
  @SecretValue('A', { schema: v.object({ on: v.boolean() }) })
  readonly valibot!: Secret<{ on: boolean }>;
  @SecretValue('A', { schema: type({ on: 'boolean' }) }) readonly ark!: Secret<{ on: boolean }>;
  @SecretValue('A') private readonly own!: Secret;

  // @ts-expect-error a number is no text
  @SecretValue('A', { parse: Number }) readonly wrongParse!: Secret;
  // @ts-expect-error a text is no number
  @SecretValue('A') readonly wrongText!: Secret<number>;
  // @ts-expect-error an optional field may be undefined
  @SecretValue('A', { optional: true }) readonly wrongOptional!: Secret;
  // @ts-expect-error another class
  @SecretValue('A', { json: Other }) readonly wrongJson!: Secret<Login>;
  // @ts-expect-error another type than that of the schema
  @SecretValue('A', { schema: z.object({ on: z.string() }) }) readonly wrongZod!: Secret<{
    on: boolean;
  }>;
  // @ts-expect-error no class
  @SecretValue('A', { json: { user: 'a' } }) readonly noClass!: Secret<Login>;
  // @ts-expect-error one of parse and json
  @SecretValue('A', { parse: Number, json: Login }) readonly two!: Secret<unknown>;
  // @ts-expect-error one of parse and schema
  @SecretValue('A', { parse: Number, schema: z.string() }) readonly twoOthers!: Secret<unknown>;
  // @ts-expect-error one of json and schema
  @SecretValue('A', { json: Login, schema: z.string() }) readonly twoMore!: Secret<unknown>;
  // @ts-expect-error without a name
  @SecretValue() readonly noName!: Secret;
  // @ts-expect-error an option that does not exist
  @SecretValue('A', { parser: Number }) readonly misspelt!: Secret;

  reveals(): readonly unknown[] {
    const text: string = this.text.reveal();
    const number: number = this.number.reveal();
    const list: readonly string[] = this.list.reveal();
    const user: string = this.login.reveal().user;
    const flags: boolean[] = [this.zod, this.valibot, this.ark].map((flag) => flag.reveal().on);
    // @ts-expect-error a number is no text
    const wrong: string = this.number.reveal();
    return [text, number, list, user, flags, wrong, this.own.reveal()];
  }
}

it('is checked by the compiler', () => {
  expect(Fields).toBeDefined();
});
