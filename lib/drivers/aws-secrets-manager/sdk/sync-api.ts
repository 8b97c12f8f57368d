import type {
  DescribeSecretCommandOutput,
  GetSecretValueCommandInput,
  GetSecretValueCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SyncAwsSender, type SyncSenderOptions } from '../../aws/sync-sender';
import { otherRegionError, regionOf } from './arn';
import { SECRETS_MANAGER } from './service';

/** The blocking form of `SecretsManagerApi`. */
export class SyncSecretsManagerApi {
  readonly #sender: SyncAwsSender;

  constructor(options: SyncSenderOptions) {
    this.#sender = new SyncAwsSender(SECRETS_MANAGER, options);
  }

  /** Starts the worker before the first call. */
  start(): void {
    this.#sender.start();
  }

  getValue(
    input: GetSecretValueCommandInput,
    options: OperationOptions,
  ): GetSecretValueCommandOutput {
    const { SecretId = '' } = input;
    const output = this.send('GetSecretValue', SecretId, input, options);
    return output as GetSecretValueCommandOutput;
  }

  describe(secretName: string, options: OperationOptions): DescribeSecretCommandOutput {
    const output = this.send('DescribeSecret', secretName, { SecretId: secretName }, options);
    return output as DescribeSecretCommandOutput;
  }

  close(): Promise<void> {
    return this.#sender.close();
  }

  private send(
    action: string,
    secretName: string,
    input: object,
    options: OperationOptions,
  ): unknown {
    const name = regionOf(secretName);
    const requiredRegion = name !== undefined && {
      name,
      errorIn: (region: string) => otherRegionError(secretName, name, region),
    };
    return this.#sender.send({ action, secretName }, input, options, requiredRegion || undefined);
  }
}
