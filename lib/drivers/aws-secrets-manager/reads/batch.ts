import type { APIErrorType, SecretValueEntry } from '@aws-sdk/client-secrets-manager';
import type {
  OperationOptions,
  SecretAnswer,
  SecretReading,
} from '../../../core/contract/custom-secret-manager';
import { isSecretManagerError } from '../../../core/errors/secret-manager.error';
import type { Encoding } from '../../../core/validation/encoding';
import { AwsBatches, type Answers, type ReadBatch } from '../../aws/batches';
import { AwsError, awsNameOf } from '../../aws/errors';
import type { SecretsManagerApi } from '../sdk/api';
import { isAbsent, saysPendingDeletion, toErrorOfOne } from '../sdk/errors';
import { pairAnswers, type BatchAnswer } from './batch-answers';
import { toReading } from './reading';

/** The number of names that AWS accepts in one call. No answer has more pages than names. */
const BATCH_SIZE = 20;

/**
 * Reads many secrets with few calls. Names without an unambiguous answer are read one by one.
 */
export class BatchReader {
  readonly #api: SecretsManagerApi;
  readonly #batches = new AwsBatches({
    size: BATCH_SIZE,
    manager: 'aws-secrets-manager',
    isOfOneSecret: (thrown) => awsNameOf(thrown) === 'DecryptionFailure',
  });

  constructor(api: SecretsManagerApi) {
    this.#api = api;
  }

  /** Resolves to an answer or an error for each name. */
  async read(
    secretNames: readonly string[],
    encoding: Encoding,
    options: OperationOptions,
    readOneByOne: ReadBatch,
  ): Promise<Answers> {
    const names = [...new Set(secretNames)];
    const unreachable = await this.#api.findUnreachable(names);
    const answers = await this.#batches.read(
      names.filter((name) => !unreachable.has(name)),
      (batch) => this.readAllPages(batch, encoding, options),
      readOneByOne,
    );
    return new Map<string, SecretAnswer | Error>([...unreachable, ...answers]);
  }

  private async readAllPages(
    batch: readonly string[],
    encoding: Encoding,
    options: OperationOptions,
  ): Promise<Answers> {
    const entries: SecretValueEntry[] = [];
    const failures: APIErrorType[] = [];
    const request = { SecretIdList: [...batch] };
    let page: string | undefined;
    for (let pages = 0; pages < BATCH_SIZE; pages++) {
      const answer = await this.#api.getValues({ ...request, NextToken: page }, options);
      entries.push(...(answer.SecretValues ?? []));
      failures.push(...(answer.Errors ?? []));
      page = answer.NextToken;
      if (page === undefined) break;
    }
    return toAnswers(pairAnswers(batch, entries, failures), encoding);
  }
}

function toAnswers(paired: ReadonlyMap<string, BatchAnswer>, encoding: Encoding): Answers {
  const answers = new Map<string, SecretAnswer | Error>();
  for (const [name, answer] of paired) {
    if ('entry' in answer) {
      answers.set(name, readingOrError(answer.entry, encoding, name));
      continue;
    }
    const { ErrorCode, Message } = answer.failure;
    const error = toErrorOfOne(name, ErrorCode, Message);
    if (isUnambiguous(error)) answers.set(name, meansAbsence(error) ? undefined : error);
  }
  return answers;
}

/**
 * Returns whether the error has one meaning. AWS uses `InvalidRequestException` for many reasons, and a name
 * outside the table may mean anything.
 */
function isUnambiguous(error: unknown): error is AwsError {
  if (!(error instanceof AwsError)) return false;
  return saysPendingDeletion(error) || error.awsName !== 'InvalidRequestException';
}

function meansAbsence(error: AwsError): boolean {
  return isAbsent(error) || saysPendingDeletion(error);
}

function readingOrError(
  entry: SecretValueEntry,
  encoding: Encoding,
  name: string,
): SecretReading | Error {
  try {
    return toReading(entry, encoding, name);
  } catch (error) {
    if (isSecretManagerError(error)) return error;
    throw error;
  }
}
