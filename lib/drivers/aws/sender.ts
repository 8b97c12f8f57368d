import type { OperationOptions } from '../../core/contract/custom-secret-manager';
import { read } from '../../core/errors/safe-access';
import { isSecretManagerError } from '../../core/errors/secret-manager.error';
import { LONGEST_TIMER_MS } from '../../core/time/durations';
import type { AwsService } from './aws-service';
import { CommandGuard } from './command-guard';
import type { CredentialSource } from './connection/credential-source';
import { toAwsError, type AwsCall } from './errors';

/** The options of an SDK call beside its command. */
export interface CallLimits {
  readonly abortSignal?: AbortSignal;
  readonly requestTimeout?: number;
}

/** The settings of a client and its owner. */
export interface SenderOptions {
  /** `true` if the client throws at a request timeout. Other clients only write to the console. */
  readonly hasOwnTimeout: boolean;
  readonly allowInsecureHttp?: boolean;
  readonly source: CredentialSource;
}

/** Sends the commands of one service. Applies the options of an operation and translates errors. */
export class AwsSender {
  readonly #service: AwsService;
  readonly #hasOwnTimeout: boolean;
  readonly #allowsInsecureHttp: boolean;
  readonly #source: CredentialSource;

  constructor(
    service: AwsService,
    { hasOwnTimeout, allowInsecureHttp = false, source }: SenderOptions,
  ) {
    this.#service = service;
    this.#hasOwnTimeout = hasOwnTimeout;
    this.#allowsInsecureHttp = allowInsecureHttp;
    this.#source = source;
  }

  /** @param ask sends a command that the guard protects; called again after a correction of the clock */
  async send<Output>(
    call: AwsCall,
    options: OperationOptions,
    ask: (guard: CommandGuard, limits: CallLimits) => Promise<Output>,
  ): Promise<Output> {
    const limits = this.limitsOf(options);
    const guard = new CommandGuard(this.#allowsInsecureHttp);
    try {
      return await ask(guard, limits).catch((thrown: unknown) => {
        if (!this.isClockCorrected(thrown, call)) throw thrown;
        return ask(guard, limits);
      });
    } catch (thrown) {
      throw toAwsError(thrown, call, this.#service, guard.wasSent ? undefined : this.#source);
    } finally {
      if (guard.wasSent) this.#source.recordSuccess();
    }
  }

  private limitsOf({ signal, timeoutMs }: OperationOptions): CallLimits {
    if (!this.#hasOwnTimeout || timeoutMs === undefined) return { abortSignal: signal };
    return {
      abortSignal: signal,
      requestTimeout: Math.min(Math.max(timeoutMs, 1), LONGEST_TIMER_MS),
    };
  }

  /**
   * Returns whether AWS rejected the time of the signature and the SDK has corrected its clock. AWS did not run the
   * request, so even a write can be sent again.
   */
  private isClockCorrected(thrown: unknown, call: AwsCall): boolean {
    if (read(read(thrown, '$metadata'), 'clockSkewCorrected') !== true) return false;
    const error = toAwsError(thrown, call, this.#service);
    return isSecretManagerError(error) && error.code === 'UNAUTHENTICATED';
  }
}
