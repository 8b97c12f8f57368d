/**
 * The interface that zod, valibot, arktype and others implement (https://standardschema.dev). Only its
 * synchronous form is supported.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

export type StandardSchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly unknown[] };

/** The type of the value that a schema produces. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>['output'];

/** Returns whether a value is a schema. The schemas of arktype are functions. */
export function isStandardSchema(candidate: unknown): candidate is StandardSchema {
  if (typeof candidate !== 'function' && (typeof candidate !== 'object' || candidate === null)) {
    return false;
  }
  const standard: unknown = Reflect.get(candidate, '~standard');
  return (
    typeof standard === 'object' &&
    standard !== null &&
    typeof Reflect.get(standard, 'validate') === 'function'
  );
}
