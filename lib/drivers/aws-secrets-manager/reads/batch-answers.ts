import type { APIErrorType, SecretValueEntry } from '@aws-sdk/client-secrets-manager';
import { nameInArn, partialArn } from '../sdk/arn';

/** The answer of a batch for one secret. */
export type BatchAnswer = { readonly entry: SecretValueEntry } | { readonly failure: APIErrorType };

/**
 * Pairs the requested names and ARNs with the answers of a batch. Leaves out an ambiguous id: one with two matching
 * answers, or one whose answer matches another id, too.
 */
export function pairAnswers(
  asked: readonly string[],
  entries: readonly SecretValueEntry[],
  failures: readonly APIErrorType[],
): ReadonlyMap<string, BatchAnswer> {
  const answers = new Map<string, BatchAnswer>();
  const doubtful = new Set<string>();
  const add = (answer: BatchAnswer, fitting: readonly string[], exact: string): void => {
    const owner = fitting.find((id) => id === exact || fitting.length === 1);
    for (const id of fitting) {
      if (id !== owner || answers.has(id)) doubtful.add(id);
      else answers.set(id, answer);
    }
  };
  for (const entry of entries) {
    const { ARN = '', Name = '' } = entry;
    add(
      { entry },
      asked.filter((id) => identifies(ARN, Name, id)),
      ARN,
    );
  }
  for (const failure of failures) {
    const { SecretId = '' } = failure;
    add(
      { failure },
      asked.filter((id) => mayIdentify(SecretId, id)),
      SecretId,
    );
  }
  return new Map([...answers].filter(([id]) => !doubtful.has(id)));
}

/** Returns whether the id is the name of the secret, its ARN, or its ARN without the suffix. */
function identifies(arn: string, name: string, id: string): boolean {
  return id === arn || id === name || (id === partialArn(arn) && nameInArn(id) === name);
}

/**
 * Returns whether a failure may concern the id. A failure carries no name, and `-secret` may be the suffix of an
 * ARN or the end of a name.
 */
function mayIdentify(failed: string, id: string): boolean {
  if (id === failed) return true;
  const name = nameInArn(failed);
  if (name === undefined) return false;
  return id === name || id === partialArn(failed) || id === partialArn(name);
}
