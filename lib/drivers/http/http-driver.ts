import { managerClosed } from '../../core/calls/cancellation';
import type { OperationOptions } from '../../core/contract/custom-secret-manager';
import { translateError } from '../../core/errors/error-table';
import {
  isSecretManagerError,
  type OperationContext,
} from '../../core/errors/secret-manager.error';
import { countingDown } from '../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import type { HttpClients } from './wire/http-clients';
import type { HttpSteps } from './wire/http-request';
import type { UsableOptions } from './options/usable-options';

/** The parts of a driver that speaks HTTP, which run its operations. */
export interface HttpDriverParts {
  readonly manager: string;
  readonly options: UsableOptions;
  readonly clients: HttpClients;
  /** Closes the connections of the login, if they are other ones. */
  readonly closeLogin?: () => Promise<void>;
}

/**
 * Runs the operations of a driver, asynchronously or blocking. One deadline covers all requests of an operation. An
 * error names the manager, the operation and the secret.
 */
export class HttpDriver {
  readonly #parts: HttpDriverParts;
  #isClosed = false;

  constructor(parts: HttpDriverParts) {
    this.#parts = parts;
  }

  /** Throws `MISCONFIGURED` with every problem of the options. */
  assertUsable(operation: string): void {
    this.#parts.options.assert(this.context(operation));
  }

  /** Starts the worker of blocking requests before the first one. */
  startSync(): void {
    this.#parts.clients.startSync();
  }

  /** @param steps makes the requests of the operation, with the options of the whole operation */
  async run<Outcome>(
    operation: string,
    secretName: string | undefined,
    options: OperationOptions | undefined,
    steps: (options: OperationOptions) => HttpSteps<Outcome>,
  ): Promise<Outcome> {
    const context = this.context(operation, secretName);
    try {
      const limited = this.begin(context, options);
      return await this.#parts.clients.run(steps(limited), limited);
    } catch (error) {
      throw named(error, context);
    }
  }

  /** The blocking form of `run`. */
  runSync<Outcome>(
    operation: string,
    secretName: string | undefined,
    options: OperationOptions | undefined,
    steps: (options: OperationOptions) => HttpSteps<Outcome>,
  ): Outcome {
    const context = this.context(operation, secretName);
    try {
      const limited = this.begin(context, options);
      return this.#parts.clients.runSync(steps(limited), limited);
    } catch (error) {
      throw named(error, context);
    }
  }

  /** Closes all connections. Requests in flight fail. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { clients, closeLogin } = this.#parts;
    await Promise.all([clients.close(), closeLogin?.()]);
  }

  /** Adds the deadline of all requests of a call. */
  private begin(context: OperationContext, options: OperationOptions = {}): OperationOptions {
    this.#parts.options.assert(context);
    if (this.#isClosed) throw managerClosed(context);
    return countingDown(options, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  private context(operation: string, secretName?: string): OperationContext {
    return { manager: this.#parts.manager, operation, secretName };
  }
}

/**
 * Completes an error of the steps. One of a request or of a login gets the operation that it was made for. The error of
 * a connection is translated by the boundary of the pipeline.
 */
function named(error: unknown, context: OperationContext): unknown {
  if (!isSecretManagerError(error)) return error;
  return Object.assign(translateError(error, context), { operation: context.operation });
}
