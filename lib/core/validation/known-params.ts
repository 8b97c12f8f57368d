import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { quoteName } from '../errors/wording';
import { givenParams } from './params';

/** Returns the problem of each param as the end of a sentence that begins with its name. */
export type ParamRules = Readonly<Record<string, (value: unknown) => string | undefined>>;

/**
 * Throws `INVALID_ARGUMENT` for a param that no rule knows, or whose value is wrong, and for params that are no object.
 * `undefined` counts as missing.
 */
export function assertKnownParams(
  params: Readonly<Record<string, unknown>> | undefined,
  rules: ParamRules,
  context?: OperationContext,
): void {
  for (const [name, value] of Object.entries(givenParams(params, context))) {
    if (value === undefined) continue;
    const problem = Object.hasOwn(rules, name)
      ? rules[name]?.(value)
      : `is unknown: there are ${Object.keys(rules).join(', ')}`;
    if (problem === undefined) continue;
    const shown = Object.hasOwn(rules, name) ? `params.${name}` : `params: ${quoteName(name)}`;
    throw new SecretManagerError('INVALID_ARGUMENT', `${shown} ${problem}.`, context);
  }
}
