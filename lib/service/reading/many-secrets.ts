import { cancelled } from '../../core/calls/cancellation';
import type { GetOptions } from '../../core/contract/get-options';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../../core/errors/secret-manager.error';
import { kindOf } from '../../core/errors/wording';
import { readCallOptions, readList } from '../../core/validation/call-arguments';
import { asOutcome } from '../../policies/policy';
import type { Lookup, SecretLookup } from './secret-lookup';

/** The outcome for one name of `getMany`. */
export type SecretOutcome =
  { readonly value: string } | { readonly absent: true } | { readonly error: SecretManagerError };

/** Resolves to one outcome per name, under the name as given. A wrong name is an outcome, too. */
export async function findMany(
  lookup: SecretLookup,
  names: readonly string[],
  given: Omit<GetOptions, 'default'>,
  context: OperationContext,
): Promise<ReadonlyMap<string, SecretOutcome>> {
  const list = readList(names);
  if (list === undefined) throw notAList(names, context);
  const options = readCallOptions<GetOptions>(given, context);
  const parsed = list.map((name) => [name, parseOrError(lookup, name, options, context)] as const);
  const lookups = parsed.flatMap(([, one]) => (isSecretManagerError(one) ? [] : [one]));
  const values = await lookup.readMany(lookups, options);
  if (options.signal?.aborted) throw cancelled(context);
  return new Map(
    parsed.map(([name, one]) => [
      name,
      toOutcome(isSecretManagerError(one) ? one : values.get(one.name)),
    ]),
  );
}

function parseOrError(
  lookup: SecretLookup,
  name: string,
  options: GetOptions,
  { operation }: OperationContext,
): Lookup | SecretManagerError {
  try {
    return lookup.lookupOf(operation, name, () => options);
  } catch (error) {
    return asOutcome(error); // the check throws nothing else
  }
}

function toOutcome(value: string | SecretManagerError | undefined): SecretOutcome {
  if (isSecretManagerError(value)) return { error: value };
  return value === undefined ? { absent: true } : { value };
}

function notAList(names: unknown, context: OperationContext): SecretManagerError {
  const message = `getMany() takes a list of names, not ${kindOf(names)}.`;
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}
