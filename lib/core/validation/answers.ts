import { types } from 'node:util';
import type {
  SecretDescription,
  SecretMetadata,
  SecretReading,
} from '../contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';

/** Returns the answer of a read as a reading. Throws `MALFORMED` for an answer that no manager may give. */
export function toReading(answer: unknown, context: OperationContext): SecretReading | undefined {
  if (typeof answer === 'string') return { value: answer };
  if (answer === undefined || answer === null) return undefined;
  if (isReading(answer)) {
    const { value, version, validForMs } = answer; // drops all other fields
    return { value, version, validForMs };
  }
  if (types.isPromise(answer)) answer.catch(() => undefined); // a synchronous read returned it: handle its rejection
  throw malformed(
    'must answer a string, a reading { value, version?, validForMs? }, or undefined for a secret that is absent',
    answer,
    context,
  );
}

function isReading(answer: unknown): answer is SecretReading {
  if (typeof answer !== 'object' || answer === null) return false;
  const { value, version, validForMs } = answer as Partial<Record<keyof SecretReading, unknown>>;
  return (
    typeof value === 'string' &&
    (version === undefined || typeof version === 'string') &&
    (validForMs === undefined || (typeof validForMs === 'number' && validForMs >= 0))
  );
}

/**
 * Returns the metadata of a write. Only the fields of {@link SecretMetadata} are kept, so that no value can be
 * among them.
 */
export function toMetadata(answer: unknown, context: OperationContext): SecretMetadata {
  if (typeof answer !== 'object' || answer === null) return {};
  const { version, createdAt, deletionAt, status } = answer as Record<string, unknown>;
  if (status === 'error') {
    throw new SecretManagerError(
      'UNKNOWN',
      `${context.manager}.${context.operation}() answered { status: 'error' } for ${quoteName(context.secretName)}. ` +
        'A failure must be thrown.',
      context,
    );
  }
  return {
    ...(typeof version === 'string' && { version }),
    ...(types.isDate(createdAt) && { createdAt }),
    ...(types.isDate(deletionAt) && { deletionAt }),
  };
}

export function toDescription(answer: unknown): SecretDescription {
  if (typeof answer !== 'object' || answer === null) return {};
  const { description, tags } = answer as Record<string, unknown>;
  return {
    ...(typeof description === 'string' && { description }),
    ...(typeof tags === 'object' && tags !== null && { tags: onlyStrings(tags) }),
  };
}

function onlyStrings(tags: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).filter((tag): tag is [string, string] => typeof tag[1] === 'string'),
  );
}

export function toHealth(answer: unknown, context: OperationContext): boolean {
  if (typeof answer === 'boolean') return answer;
  throw malformed('must resolve to true or false', answer, context);
}

export function malformed(
  rule: string,
  answer: unknown,
  context: OperationContext,
): SecretManagerError {
  const { manager, operation, secretName } = context;
  const subject = secretName === undefined ? '' : ` for ${quoteName(secretName)}`;
  return new SecretManagerError(
    'MALFORMED',
    `${manager}.${operation}() ${rule}. It answered ${kindOf(answer)}${subject}.`,
    context,
  );
}
