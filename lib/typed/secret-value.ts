import type { Secret } from '../core/contract/secret';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { isRecord } from '../core/validation/option-rules';
import type { OutputOf, StandardSchema } from './conversions/standard-schema';

const FIELDS = Symbol.for('nestjs-custom-secret-manager/typed fields');

/** A class with `@SecretValue` on its fields. */
export type SecretsClass<Instance extends object = object> = new () => Instance;

/** The options that go with each form of `@SecretValue`. */
export interface SecretValueOptions<Optional extends boolean = boolean> {
  /** The field is `undefined` while the secret is absent. A failure is thrown as ever. */
  readonly optional?: Optional;
  /** Accepts an empty value. */
  readonly allowEmpty?: boolean;
}

/** At most one of these makes the value. Without any, the value is the text. */
export interface SecretConversions<Parsed = unknown, Json = object, Schema = StandardSchema> {
  /**
   * Makes the value of the text. It is called with the text alone. A throw, `undefined`, `NaN` and a promise refuse
   * the text.
   */
  readonly parse: (text: string) => Parsed;
  /** The class of the value, a JSON object. Its class-validator decorators apply; other fields are dropped. */
  readonly json: new () => Json;
  /** The schema of the value. It gets the parsed JSON if the text is an object or a list, else the text. */
  readonly schema: Schema;
}

/** The options of one form: its conversion, and none of the others. */
export type SecretValueForm<
  Optional extends boolean,
  Conversion extends keyof SecretConversions,
  All extends SecretConversions,
> = SecretValueOptions<Optional> &
  Pick<All, Conversion> &
  Readonly<Partial<Record<Exclude<keyof SecretConversions, Conversion>, undefined>>>;

/** The checked options of a field. */
export type FieldOptions = SecretValueOptions & Partial<SecretConversions>;

/** The type of a field. It may be `undefined` with `optional: true`. */
export type SecretFieldOf<Value, Optional extends boolean> =
  Secret<Value> | (true extends Optional ? undefined : never);

/** A decorator that compiles only on a field whose type fits. */
export type SecretFieldDecorator<Field> = <Target extends object, Key>(
  target: Target,
  key: Key extends keyof Target ? ([Field] extends [Target[Key]] ? Key : never) : Key,
) => void;

/** A field with `@SecretValue`, as declared. Its problems are reported by `forFeature`. */
export interface DeclaredField {
  readonly field: string | symbol;
  readonly name: unknown;
  readonly options: unknown;
  /** `true` on a static property or a method. */
  readonly isMisplaced: boolean;
}

/**
 * Makes the field the live handle of a secret, in a class for `SecretManagerModule.forFeature(Class)`.
 * class-validator decorators of the field apply to what `reveal()` returns (synchronous rules only).
 *
 * The type of the field is checked: `Secret`, or `Secret<T>` with what `parse`, `json` or `schema` make, with
 * `| undefined` for `optional: true`.
 *
 * A wrong declaration keeps the application from starting (`MISCONFIGURED`, with all problems).
 */
export function SecretValue<Optional extends boolean = false>(
  name: string,
  options?: SecretValueForm<Optional, never, SecretConversions>,
): SecretFieldDecorator<SecretFieldOf<string, Optional>>;
export function SecretValue<Value, Optional extends boolean = false>(
  name: string,
  options: SecretValueForm<Optional, 'parse', SecretConversions<Value>>,
): SecretFieldDecorator<SecretFieldOf<Value, Optional>>;
export function SecretValue<Value extends object, Optional extends boolean = false>(
  name: string,
  options: SecretValueForm<Optional, 'json', SecretConversions<unknown, Value>>,
): SecretFieldDecorator<SecretFieldOf<Value, Optional>>;
export function SecretValue<Schema extends StandardSchema, Optional extends boolean = false>(
  name: string,
  options: SecretValueForm<Optional, 'schema', SecretConversions<unknown, object, Schema>>,
): SecretFieldDecorator<SecretFieldOf<OutputOf<Schema>, Optional>>;
export function SecretValue(name: string, options?: FieldOptions): SecretFieldDecorator<never> {
  return (target: object, key: unknown, descriptor?: unknown): void => {
    if (typeof target !== 'function' && !isRecord(target)) throw standardDecorators();
    const isMisplaced = typeof target === 'function' || descriptor !== undefined;
    const type = typeof target === 'function' ? target : target.constructor;
    const declared = { field: key as string | symbol, name, options, isMisplaced };
    const own = Object.getOwnPropertyDescriptor(type, FIELDS)?.value as DeclaredField[] | undefined;
    Object.defineProperty(type, FIELDS, { value: [...(own ?? []), declared], configurable: true });
  };
}

/** A compiler without `experimentalDecorators` gives no class, in which the field could be found. */
function standardDecorators(): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    '@SecretValue needs `experimentalDecorators: true` in tsconfig.json, as Nest does.',
    { manager: 'unknown', operation: 'SecretValue' },
  );
}

/** Returns the declared fields of a class and its ancestors. A field of a subclass replaces the inherited one. */
export function declaredFields(type: object): readonly DeclaredField[] {
  const own = (Object.getOwnPropertyDescriptor(type, FIELDS)?.value ?? []) as DeclaredField[];
  const parent: unknown = Object.getPrototypeOf(type);
  if (typeof parent !== 'function') return own;
  const inherited = declaredFields(parent).filter(
    ({ field }) => !own.some((declared) => declared.field === field),
  );
  return [...inherited, ...own];
}
