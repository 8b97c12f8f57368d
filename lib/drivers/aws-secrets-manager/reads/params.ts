import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../../../core/errors/wording';
import { encodingProblem, type Encoding } from '../../../core/validation/encoding';

export interface ReadParams {
  readonly versionId?: string;
  readonly versionStage?: string;
  readonly encoding: Encoding;
}

const PROBLEMS: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  versionId: identifierProblem,
  versionStage: identifierProblem,
  encoding: encodingProblem,
};

/** Returns the params of a read. Throws `INVALID_ARGUMENT` for an unknown param or a wrong type. */
export function parseReadParams(params: OperationOptions['params'] = {}): ReadParams {
  for (const [name, value] of definedEntries(params)) {
    const problem = Object.hasOwn(PROBLEMS, name) ? PROBLEMS[name]?.(value) : UNKNOWN;
    if (problem !== undefined)
      throw invalidArgument(`\`params\` has ${quoteName(name)}, which ${problem}`);
  }
  const { versionId, versionStage, encoding = 'base64' } = params as Partial<ReadParams>;
  return { versionId, versionStage, encoding };
}

const UNKNOWN = `is unknown: there are ${Object.keys(PROBLEMS).join(', ')}`;

function definedEntries(params: object): [string, unknown][] {
  return Object.entries(params).filter(([, value]) => value !== undefined);
}

function identifierProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return `must be a string, and is ${kindOf(value)}`;
  return value === '' ? 'is empty' : undefined;
}

function invalidArgument(message: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', `${message}.`);
}
