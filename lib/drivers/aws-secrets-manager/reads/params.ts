import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { kindOf } from '../../../core/errors/wording';
import { encodingProblem, type Encoding } from '../../../core/validation/encoding';
import { assertKnownParams, type ParamRules } from '../../../core/validation/known-params';

export interface ReadParams {
  readonly versionId?: string;
  readonly versionStage?: string;
  readonly encoding: Encoding;
}

const RULES: ParamRules = {
  versionId: identifierProblem,
  versionStage: identifierProblem,
  encoding: encodingProblem,
};

/** Returns the params of a read. Throws `INVALID_ARGUMENT` for an unknown param or a wrong type. */
export function parseReadParams(params: OperationOptions['params'] = {}): ReadParams {
  assertKnownParams(params, RULES);
  const { versionId, versionStage, encoding = 'base64' } = params as Partial<ReadParams>;
  return { versionId, versionStage, encoding };
}

function identifierProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return `must be a string, and is ${kindOf(value)}`;
  return value === '' ? 'is empty' : undefined;
}
