import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  RemoveRegionsFromReplicationCommand,
  ReplicateSecretToRegionsCommand,
  RestoreSecretCommand,
  TagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
  type BatchGetSecretValueCommandInput,
  type CreateSecretCommandInput,
  type DeleteSecretCommandInput,
  type GetSecretValueCommandInput,
  type PutSecretValueCommandInput,
  type RemoveRegionsFromReplicationCommandInput,
  type ReplicateSecretToRegionsCommandInput,
  type SecretsManagerClient,
  type TagResourceCommandInput,
  type UpdateSecretCommandInput,
  type UpdateSecretVersionStageCommandInput,
} from '@aws-sdk/client-secrets-manager';
import type { OperationOptions } from '../../core/custom-secret-manager';
import { isSecretManagerError } from '../../core/secret-manager.error';
import { read } from '../../core/untrusted';
import { toAwsError, type AwsCall } from './errors';

/** What the SDK takes beside a command. */
interface CallLimits {
  readonly abortSignal?: AbortSignal;
  readonly requestTimeout?: number;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The calls of Secrets Manager that the driver makes, with the options of an operation, and errors translated. */
export class SecretsManagerApi {
  readonly #client: SecretsManagerClient;
  readonly #hasOwnTimeout: boolean;

  /** @param hasOwnTimeout whether the client throws at a request's timeout; one that does not writes to the console */
  constructor(client: SecretsManagerClient, hasOwnTimeout: boolean) {
    this.#client = client;
    this.#hasOwnTimeout = hasOwnTimeout;
  }

  getValue(input: GetSecretValueCommandInput, options: OperationOptions) {
    const call = { action: 'GetSecretValue', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new GetSecretValueCommand(input), limits),
    );
  }

  getValues(input: BatchGetSecretValueCommandInput, options: OperationOptions) {
    return this.send({ action: 'BatchGetSecretValue' }, options, (limits) =>
      this.#client.send(new BatchGetSecretValueCommand(input), limits),
    );
  }

  putValue(input: PutSecretValueCommandInput, options: OperationOptions) {
    const call = { action: 'PutSecretValue', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new PutSecretValueCommand(input), limits),
    );
  }

  moveStage(input: UpdateSecretVersionStageCommandInput, options: OperationOptions) {
    const call = { action: 'UpdateSecretVersionStage', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new UpdateSecretVersionStageCommand(input), limits),
    );
  }

  create(input: CreateSecretCommandInput, options: OperationOptions) {
    const call = { action: 'CreateSecret', secretName: input.Name };
    return this.send(call, options, (limits) =>
      this.#client.send(new CreateSecretCommand(input), limits),
    );
  }

  update(input: UpdateSecretCommandInput, options: OperationOptions) {
    const call = { action: 'UpdateSecret', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new UpdateSecretCommand(input), limits),
    );
  }

  tag(input: TagResourceCommandInput, options: OperationOptions) {
    const call = { action: 'TagResource', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new TagResourceCommand(input), limits),
    );
  }

  describe(secretName: string, options: OperationOptions) {
    return this.send({ action: 'DescribeSecret', secretName }, options, (limits) =>
      this.#client.send(new DescribeSecretCommand({ SecretId: secretName }), limits),
    );
  }

  delete(input: DeleteSecretCommandInput, options: OperationOptions) {
    const call = { action: 'DeleteSecret', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new DeleteSecretCommand(input), limits),
    );
  }

  restore(secretName: string, options: OperationOptions) {
    return this.send({ action: 'RestoreSecret', secretName }, options, (limits) =>
      this.#client.send(new RestoreSecretCommand({ SecretId: secretName }), limits),
    );
  }

  replicate(input: ReplicateSecretToRegionsCommandInput, options: OperationOptions) {
    const call = { action: 'ReplicateSecretToRegions', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new ReplicateSecretToRegionsCommand(input), limits),
    );
  }

  endReplication(input: RemoveRegionsFromReplicationCommandInput, options: OperationOptions) {
    const call = { action: 'RemoveRegionsFromReplication', secretName: input.SecretId };
    return this.send(call, options, (limits) =>
      this.#client.send(new RemoveRegionsFromReplicationCommand(input), limits),
    );
  }

  /** Asks for as little as can be asked for. */
  ping(options: OperationOptions) {
    return this.send({ action: 'ListSecrets' }, options, (limits) =>
      this.#client.send(new ListSecretsCommand({ MaxResults: 1 }), limits),
    );
  }

  private async send<Output>(
    call: AwsCall,
    options: OperationOptions,
    ask: (limits: CallLimits) => Promise<Output>,
  ): Promise<Output> {
    const limits = this.limitsOf(options);
    try {
      return await ask(limits).catch((thrown: unknown) => {
        if (!isClockCorrected(thrown, call)) throw thrown;
        return ask(limits);
      });
    } catch (thrown) {
      throw toAwsError(thrown, call);
    }
  }

  private limitsOf({ signal, timeoutMs }: OperationOptions): CallLimits {
    if (!this.#hasOwnTimeout || timeoutMs === undefined) return { abortSignal: signal };
    return {
      abortSignal: signal,
      requestTimeout: Math.min(Math.max(timeoutMs, 1), LONGEST_TIMER_MS),
    };
  }
}

/**
 * Whether AWS did not accept the signature's time and the SDK has learnt the right one from the answer. The request was not
 * carried out, so that sending it once more is no repetition, not even of a write.
 */
function isClockCorrected(thrown: unknown, call: AwsCall): boolean {
  if (read(read(thrown, '$metadata'), 'clockSkewCorrected') !== true) return false;
  const error = toAwsError(thrown, call);
  return isSecretManagerError(error) && error.code === 'UNAUTHENTICATED';
}
