import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { kindOf } from '../../../core/errors/wording';
import { assertKnownParams } from '../../../core/validation/known-params';

interface ReadParams {
  readonly version?: string | number;
  readonly label?: string;
}

const RULES = { version: versionProblem, label: labelProblem };

const NAME_OF_LABEL = /^(?!\d)(?!aws|ssm)[\w.-]{1,100}$/i;

/**
 * Returns what AWS expects after the name for the params of a read: `:3`, `:label`, or nothing. Throws
 * `INVALID_ARGUMENT` for an unknown param, a wrong value, or both params.
 */
export function parseSelector(params: OperationOptions['params'] = {}): string {
  assertKnownParams(params, RULES);
  const { version, label } = params as ReadParams; // by the rules
  if (version !== undefined && label !== undefined) {
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      '`params` has `version` and `label`. Each of them names a version: give one.',
    );
  }
  const selected = version ?? label;
  return selected === undefined ? '' : `:${selected}`;
}

function versionProblem(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') {
    return `must be a number from 1 on, and is ${kindOf(value)}`;
  }
  return /^[1-9]\d{0,14}$/.test(String(value))
    ? undefined
    : 'must be a whole number from 1 on, as `reading.version` is';
}

function labelProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return `must be a string, and is ${kindOf(value)}`;
  return NAME_OF_LABEL.test(value)
    ? undefined
    : 'must be a label of AWS: 1 to 100 letters, digits and _ . -, beginning with neither a digit nor aws nor ssm';
}
