import type { GetParameterCommandOutput } from '@aws-sdk/client-ssm';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SyncAwsSender, type SyncSenderOptions } from '../../aws/sync-sender';
import { getInput, type Target } from './api';
import { PARAMETER_STORE } from './service';

/** The blocking form of `ParameterStoreApi`. */
export class SyncParameterStoreApi {
  readonly #sender: SyncAwsSender;

  constructor(options: SyncSenderOptions) {
    this.#sender = new SyncAwsSender(PARAMETER_STORE, options);
  }

  /** Starts the worker before the first call. */
  start(): void {
    this.#sender.start();
  }

  get(
    { secretName, parameter }: Target,
    selector: string,
    options: OperationOptions,
  ): GetParameterCommandOutput {
    const call = { action: 'GetParameter', secretName };
    const output = this.#sender.send(call, getInput(parameter, selector), options);
    return output as GetParameterCommandOutput;
  }

  close(): Promise<void> {
    return this.#sender.close();
  }
}
