import type {
  OperationOptions,
  SecretAnswer,
  SecretReading,
} from '../../../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  type SecretManagerError,
} from '../../../core/errors/secret-manager.error';
import { AwsBatches, type Answers, type ReadBatch } from '../../aws/batches';
import { awsNameOf } from '../../aws/errors';
import { withoutFirstSlash, type ParameterNames } from '../options/parameter-names';
import type { ParameterStoreApi } from '../sdk/api';
import { MANAGER_NAME } from '../sdk/service';
import { toReading } from './reading';

/** The number of names that AWS accepts in one call. */
const BATCH_SIZE = 10;

/**
 * Reads many parameters with few calls. AWS refuses a batch for one denied name or one unusable key: its names are
 * then read one by one.
 */
export class BatchReader {
  readonly #api: ParameterStoreApi;
  readonly #names: ParameterNames;
  readonly #batches = new AwsBatches({
    size: BATCH_SIZE,
    manager: MANAGER_NAME,
    isOfOneSecret: (thrown) => awsNameOf(thrown) === 'InvalidKeyId',
  });

  constructor(api: ParameterStoreApi, names: ParameterNames) {
    this.#api = api;
    this.#names = names;
  }

  /** Resolves to an answer or an error for each name. An impossible name does not affect the others. */
  async read(
    secretNames: readonly string[],
    options: OperationOptions,
    readOneByOne: ReadBatch,
  ): Promise<Answers> {
    const refused = new Map<string, SecretAnswer | Error>();
    const parameters = new Map<string, string>();
    for (const secretName of secretNames) {
      const parameter = this.parameterOrError(secretName);
      if (typeof parameter === 'string') parameters.set(secretName, parameter);
      else refused.set(secretName, parameter);
    }
    const answers = await this.#batches.read(
      [...parameters.keys()],
      (batch) => this.readBatch(batch, parameters, options),
      readOneByOne,
    );
    return new Map([...refused, ...answers]);
  }

  private async readBatch(
    batch: readonly string[],
    parameters: ReadonlyMap<string, string>,
    options: OperationOptions,
  ): Promise<Answers> {
    const parameterOf = (secretName: string): string => parameters.get(secretName) ?? secretName;
    const answer = await this.#api.getMany(batch.map(parameterOf), options);
    const { Parameters = [], InvalidParameters = [] } = answer;
    const found = new Map(Parameters.map((each) => [withoutFirstSlash(each.Name ?? ''), each]));
    const absent = new Set(InvalidParameters.map(withoutFirstSlash));
    const answers = new Map<string, SecretAnswer | Error>();
    for (const name of batch) {
      const key = withoutFirstSlash(parameterOf(name));
      if (found.has(key)) answers.set(name, readingOrError(found.get(key), name));
      else if (absent.has(key)) answers.set(name, undefined);
    }
    return answers;
  }

  private parameterOrError(secretName: string): string | SecretManagerError {
    return valueOrError(() => this.#names.parameterOf(secretName));
  }
}

function readingOrError(
  parameter: Parameters<typeof toReading>[0],
  secretName: string,
): SecretReading | SecretManagerError {
  return valueOrError(() => toReading(parameter, secretName));
}

function valueOrError<Value>(make: () => Value): Value | SecretManagerError {
  try {
    return make();
  } catch (thrown) {
    if (isSecretManagerError(thrown)) return thrown;
    throw thrown;
  }
}
