import type { SecretValueEntry } from '@aws-sdk/client-secrets-manager';
import { now } from '../../core/clock';
import type {
  OperationOptions,
  SecretAnswer,
  SecretReading,
} from '../../core/custom-secret-manager';
import { isSecretManagerError } from '../../core/secret-manager.error';
import { isErrorLike } from '../../core/untrusted';
import type { SecretsManagerApi } from './api';
import { AwsError, isAbsent, isDenied, toAwsError, type AwsCall } from './errors';
import type { Encoding } from './params';
import { toReading } from './reading';

export type Answers = ReadonlyMap<string, SecretAnswer | Error>;
type ReadOneByOne = (secretNames: readonly string[]) => Promise<Answers>;

/** How many names AWS takes in one call. */
const BATCH_SIZE = 20;
const PARALLEL_BATCHES = 4;
/** A role that may read single secrets need not be allowed the batch; it may be later. */
const DENIAL_LASTS_MS = 600_000;

/**
 * Reads many secrets with few calls. What a batch does not answer beyond doubt is read by itself: a name that it lacks, a
 * failure that says too little, and everything where the role may not use batches.
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
    const answers = new Map<string, SecretAnswer | Error>();
    const batches = inBatches(names).values();
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

  /** Leaves out what is to be read by itself. */
  private async readBatch(
    batch: readonly string[],
    encoding: Encoding,
    options: OperationOptions,
  ): Promise<Answers> {
    if (batch.length === 1 || now() < this.#deniedUntil) return new Map();
    try {
      return await this.askForAll(batch, encoding, options);
    } catch (thrown) {
      if (isDenied(thrown)) this.#deniedUntil = now() + DENIAL_LASTS_MS;
      if (isDenied(thrown) || isWrong(thrown)) return new Map();
      if (!isErrorLike(thrown)) throw thrown;
      return new Map(batch.map((name) => [name, thrown]));
    }
  }

  private async askForAll(
    batch: readonly string[],
    encoding: Encoding,
    options: OperationOptions,
  ): Promise<Answers> {
    const answers = new Map<string, SecretAnswer | Error>();
    let page: string | undefined;
    do {
      const request = { SecretIdList: [...batch], NextToken: page };
      const { SecretValues, Errors, NextToken } = await this.#api.getValues(request, options);
      for (const entry of SecretValues ?? []) {
        for (const name of batch.filter((asked) => isMeant(asked, entry.ARN, entry.Name)))
          answers.set(name, readingOrError(entry, encoding, name));
      }
      for (const { SecretId, ErrorCode, Message } of Errors ?? []) {
        for (const name of batch.filter((asked) => isMeant(asked, SecretId))) {
          const error = toAwsError({ name: ErrorCode, message: Message }, callFor(name));
          if (isClear(error)) answers.set(name, meansAbsence(error) ? undefined : error);
        }
      }
      page = NextToken;
    } while (page !== undefined);
    return answers;
  }
}

/** One name that AWS does not take makes it refuse all of them. */
function isWrong(thrown: unknown): boolean {
  return thrown instanceof AwsError && thrown.code === 'INVALID_ARGUMENT';
}

function inBatches(names: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(names.length / BATCH_SIZE) }, (_, index) =>
    names.slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE),
  );
}

const ARN = /^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)$/;
/** AWS puts a dash and six characters after the name, which may be left out where it is asked. */
const SUFFIX = '-AbCdEf'.length;

/** Whether AWS speaks of the secret that was asked for by name, by ARN, or by ARN without the suffix. */
function isMeant(asked: string, arn = '', name = ARN.exec(arn)?.[1]?.slice(0, -SUFFIX)): boolean {
  return asked === name || asked === arn || asked === arn.slice(0, -SUFFIX);
}

function callFor(secretName: string): AwsCall {
  return { action: 'GetSecretValue', secretName };
}

/** AWS has many reasons for an `InvalidRequestException`; a name that the table lacks may be any. */
function isClear(error: unknown): error is AwsError {
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
