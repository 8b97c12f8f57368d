import { awsNameOf } from '../../aws/errors';

/** Returns whether AWS said that a parameter, a version or a label is missing. */
export function isAbsent(thrown: unknown): boolean {
  const name = awsNameOf(thrown);
  return name === 'ParameterNotFound' || name === 'ParameterVersionNotFound';
}

export function isTaken(thrown: unknown): boolean {
  return awsNameOf(thrown) === 'ParameterAlreadyExists';
}
