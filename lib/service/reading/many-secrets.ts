import { cancelled } from '../../core/calls/cancellation';
import type { GetOptions } from '../../core/contract/get-options';
import {
  isSecretManagerError,
  type OperationContext,
  type SecretManagerError,
} from '../../core/errors/secret-manager.error';
import { readCallOptions, readList } from '../../core/validation/call-arguments';
import { outcomeOf } from '../../policies/policy';
import type { SecretLookup } from './secret-lookup';

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
  const list = readList(names, 'getMany() takes a list of names, not', context);
  const options = readCallOptions<GetOptions>(given, context);
  const parsed = list.map((name) => {
    const one = outcomeOf(() => lookup.lookupOf(context.operation, name, () => options));
    return [name, one] as const;
  });
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

function toOutcome(value: string | SecretManagerError | undefined): SecretOutcome {
  if (isSecretManagerError(value)) return { error: value };
  return value === undefined ? { absent: true } : { value };
}
