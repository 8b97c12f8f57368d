import type { APIErrorType, SecretValueEntry } from '@aws-sdk/client-secrets-manager';
import type {
  OperationOptions,
  SecretAnswer,
  SecretReading,
} from '../../../core/contract/custom-secret-manager';
import { translateError } from '../../../core/errors/error-table';
import { isErrorLike } from '../../../core/errors/safe-access';
import {
  isSecretManagerError,
  type SecretManagerErrorCode,
} from '../../../core/errors/secret-manager.error';
import { now } from '../../../core/time/clock';
import type { Encoding } from '../../../core/validation/encoding';
import type { SecretsManagerApi } from '../sdk/api';
import { AwsError, awsNameOf, isAbsent, isDenied, isTooLarge, toAwsError } from '../sdk/errors';
import { pairAnswers, type BatchAnswer } from './batch-answers';
import { toReading } from './reading';

export type Answers = ReadonlyMap<string, SecretAnswer | Error>;
type ReadOneByOne = (secretNames: readonly string[]) => Promise<Answers>;

/** The number of names that AWS accepts in one call. No answer has more pages than names. */
const BATCH_SIZE = 20;
const PARALLEL_BATCHES = 4;
/**
 * The pause after a denied batch. A role may read single secrets without the right to batches, and may gain that
 * right later.
 */
const DENIAL_LASTS_MS = 600_000;

/**
 * Reads many secrets with few calls. Names without an unambiguous answer are read one by one. Such names are
 * missing from the batch, or failed for an unclear reason. All names are read one by one if the role may not use
 * batches.
 */
export class BatchReader {
  readonly #api: SecretsManagerApi;
  #deniedUntil = -Infinity;

  constructor(api: SecretsManagerApi) {
    this.#api = api;
  }

  /** Resolves to an answer or an error for each name. */
  async read(
    secretNames: readonly string[],
    encoding: Encoding,
    options: OperationOptions,
    readOneByOne: ReadOneByOne,
  ): Promise<Answers> {
    const names = [...new Set(secretNames)];
    const answers = new Map<string, SecretAnswer | Error>(await this.#api.findUnreachable(names));
    const batches = inBatches(names.filter((name) => !answers.has(name))).values();
    const readTheNext = async (): Promise<void> => {
      for (const batch of batches) {
        const answered = await this.readBatch(batch, encoding, options);
        for (const [name, answer] of answered) answers.set(name, answer);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_BATCHES }, readTheNext));
    const missing = names.filter((name) => !answers.has(name));
    return new Map([...answers, ...(await readOneByOne(missing))]);
  }

  /** Reads one batch. Leaves out the names that need a read of their own. */
  private async readBatch(
    batch: readonly string[],
    encoding: Encoding,
    options: OperationOptions,
  ): Promise<Answers> {
    if (batch.length === 1 || now() < this.#deniedUntil) return new Map();
    try {
      return await this.readAllPages(batch, encoding, options);
    } catch (thrown) {
      const isOfOneKey = awsNameOf(thrown) === 'DecryptionFailure';
      if (isDenied(thrown) && !isOfOneKey) this.#deniedUntil = now() + DENIAL_LASTS_MS;
      if (!concernsEveryName(thrown)) return new Map();
      if (!isErrorLike(thrown)) throw thrown;
      return new Map(batch.map((name) => [name, thrown]));
    }
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
    const call = { action: 'GetSecretValue', secretName: name };
    const error = toAwsError({ name: ErrorCode, message: Message }, call);
    if (isUnambiguous(error)) answers.set(name, meansAbsence(error) ? undefined : error);
  }
  return answers;
}

const CALL_WIDE_CODES: readonly SecretManagerErrorCode[] = [
  'CANCELLED',
  'MISCONFIGURED',
  'THROTTLED',
  'TIMEOUT',
  'UNAUTHENTICATED',
  'UNAVAILABLE',
];

/**
 * Returns whether a failure of the batch applies to every single read. Any other failure may concern one secret
 * only.
 */
function concernsEveryName(thrown: unknown): boolean {
  if (isTooLarge(thrown)) return true; // every single read may be as large
  const context = { manager: 'aws-secrets-manager', operation: 'readSecrets' };
  return CALL_WIDE_CODES.includes(translateError(thrown, context).code);
}

function inBatches(names: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(names.length / BATCH_SIZE) }, (_, index) =>
    names.slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE),
  );
}

/**
 * Returns whether the error has one meaning. AWS uses `InvalidRequestException` for many reasons, and a name
 * outside the table may mean anything.
 */
function isUnambiguous(error: unknown): error is AwsError {
  if (!(error instanceof AwsError)) return false;
  return error.saysPendingDeletion || error.awsName !== 'InvalidRequestException';
}

function meansAbsence(error: AwsError): boolean {
  return isAbsent(error) || error.saysPendingDeletion;
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
