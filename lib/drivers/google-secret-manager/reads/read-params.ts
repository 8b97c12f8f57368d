import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { encodingProblem, type Encoding } from '../../../core/validation/encoding';
import { assertKnownParams } from '../../../core/validation/known-params';

export interface ReadParams {
  /** A number, an alias or `latest`. */
  readonly version: string;
  readonly encoding: Encoding;
}

const NUMBER = /^[1-9]\d{0,18}$/;
const ALIAS = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** Returns the params of a read. Throws `INVALID_ARGUMENT` for an unknown or wrong one. */
export function readParams(params: OperationOptions['params'] = {}): ReadParams {
  assertKnownParams(params, { version: versionProblem, encoding: encodingProblem });
  const { version = 'latest', encoding = 'utf8' } = params as Partial<ReadParams>;
  return { version: String(version), encoding };
}

function versionProblem(value: unknown): string | undefined {
  const isNumber = typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
  const isText = typeof value === 'string' && (NUMBER.test(value) || ALIAS.test(value));
  return isNumber || (isText && value !== 'NEW')
    ? undefined
    : 'must be the number of a version, an alias or "latest"';
}
