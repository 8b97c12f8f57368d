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
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { isErrorLike } from '../../../core/errors/safe-access';
import { assertSecretName } from '../../../core/validation/secret-name';
import type { CommandGuard } from '../../aws/command-guard';
import type { AwsCall } from '../../aws/errors';
import { AwsSender, type CallLimits, type SenderOptions } from '../../aws/sender';
import { otherRegionError, regionOf } from './arn';
import { SECRETS_MANAGER } from './service';

/** The calls to Secrets Manager that the driver makes. */
export class SecretsManagerApi {
  readonly #client: SecretsManagerClient;
  readonly #sender: AwsSender;

  constructor(client: SecretsManagerClient, options: SenderOptions) {
    this.#client = client;
    this.#sender = new AwsSender(SECRETS_MANAGER, options);
  }

  /** Resolves to an error for each id that no call may use, such as an ARN of another region. */
  async findUnreachable(secretIds: readonly string[]): Promise<ReadonlyMap<string, Error>> {
    const refused = new Map<string, Error>();
    for (const secretId of secretIds) {
      const error = await this.assertUsable(secretId).catch((thrown: unknown) => thrown);
      if (isErrorLike(error)) refused.set(secretId, error);
    }
    return refused;
  }

  getValue(input: GetSecretValueCommandInput, options: OperationOptions) {
    const call = { action: 'GetSecretValue', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new GetSecretValueCommand(input)), limits),
    );
  }

  getValues(input: BatchGetSecretValueCommandInput, options: OperationOptions) {
    return this.send({ action: 'BatchGetSecretValue' }, options, (guard, limits) =>
      this.#client.send(guard.protect(new BatchGetSecretValueCommand(input)), limits),
    );
  }

  putValue(input: PutSecretValueCommandInput, options: OperationOptions) {
    const call = { action: 'PutSecretValue', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new PutSecretValueCommand(input)), limits),
    );
  }

  moveStage(input: UpdateSecretVersionStageCommandInput, options: OperationOptions) {
    const call = { action: 'UpdateSecretVersionStage', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new UpdateSecretVersionStageCommand(input)), limits),
    );
  }

  create(input: CreateSecretCommandInput, options: OperationOptions) {
    const call = { action: 'CreateSecret', secretName: input.Name };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new CreateSecretCommand(input)), limits),
    );
  }

  update(input: UpdateSecretCommandInput, options: OperationOptions) {
    const call = { action: 'UpdateSecret', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new UpdateSecretCommand(input)), limits),
    );
  }

  tag(input: TagResourceCommandInput, options: OperationOptions) {
    const call = { action: 'TagResource', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new TagResourceCommand(input)), limits),
    );
  }

  describe(secretName: string, options: OperationOptions) {
    return this.send({ action: 'DescribeSecret', secretName }, options, (guard, limits) =>
      this.#client.send(guard.protect(new DescribeSecretCommand({ SecretId: secretName })), limits),
    );
  }

  delete(input: DeleteSecretCommandInput, options: OperationOptions) {
    const call = { action: 'DeleteSecret', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new DeleteSecretCommand(input)), limits),
    );
  }

  restore(secretName: string, options: OperationOptions) {
    return this.send({ action: 'RestoreSecret', secretName }, options, (guard, limits) =>
      this.#client.send(guard.protect(new RestoreSecretCommand({ SecretId: secretName })), limits),
    );
  }

  replicate(input: ReplicateSecretToRegionsCommandInput, options: OperationOptions) {
    const call = { action: 'ReplicateSecretToRegions', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new ReplicateSecretToRegionsCommand(input)), limits),
    );
  }

  endReplication(input: RemoveRegionsFromReplicationCommandInput, options: OperationOptions) {
    const call = { action: 'RemoveRegionsFromReplication', secretName: input.SecretId };
    return this.send(call, options, (guard, limits) =>
      this.#client.send(guard.protect(new RemoveRegionsFromReplicationCommand(input)), limits),
    );
  }

  /** Makes the smallest possible call. */
  ping(options: OperationOptions) {
    return this.send({ action: 'ListSecrets' }, options, (guard, limits) =>
      this.#client.send(guard.protect(new ListSecretsCommand({ MaxResults: 1 })), limits),
    );
  }

  private async send<Output>(
    call: AwsCall,
    options: OperationOptions,
    ask: (guard: CommandGuard, limits: CallLimits) => Promise<Output>,
  ): Promise<Output> {
    if (call.secretName !== undefined) await this.assertReachable(call.secretName);
    return await this.#sender.send(call, options, ask);
  }

  /** Rejects a name that no secret can have, and an ARN that {@link assertReachable} rejects. */
  private async assertUsable(secretId: string): Promise<void> {
    assertSecretName(secretId);
    await this.assertReachable(secretId);
  }

  /** Rejects an ARN of another region, or of anything but a secret. */
  private async assertReachable(secretId: string): Promise<void> {
    const itsRegion = regionOf(secretId);
    if (itsRegion === undefined) return;
    const region = await this.#client.config.region();
    if (region !== itsRegion) throw otherRegionError(secretId, itsRegion, region);
  }
}
