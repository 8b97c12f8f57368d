import type {
  DescribeSecretCommandOutput,
  GetSecretValueCommandInput,
  GetSecretValueCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import type { OperationOptions } from '../../core/custom-secret-manager';
import { SecretManagerError } from '../../core/secret-manager.error';
import { BlockingWorker } from '../../sync/blocking-worker';
import { workerFile } from '../../sync/worker-file';
import { defaultRegion, type AwsClientOptions } from './client';
import { toAwsError, type AwsCall } from './errors';

/** What the worker answers: what the SDK did, or of what it threw what decides about it. */
interface Outcome {
  readonly output?: unknown;
  readonly thrown?: {
    readonly name?: string;
    readonly message?: string;
    readonly code?: string;
    readonly statusCode?: number;
    readonly retryAfter?: string;
  };
}

const WORKER_FILE = workerFile(__filename, 'sync.worker.cjs');
const DEFAULT_TIMEOUT_MS = 30_000;

/** As `SecretsManagerApi`, blocking: the SDK in a worker, where it has a client, and finds credentials, of its own. */
export class SyncSecretsManagerApi {
  readonly #options: AwsClientOptions;
  readonly #isClientGiven: boolean;
  readonly #worker = new BlockingWorker(WORKER_FILE);

  constructor(options: AwsClientOptions, isClientGiven: boolean) {
    this.#options = options;
    this.#isClientGiven = isClientGiven;
  }

  /** Has the worker ready before the first call. */
  start(): void {
    this.#worker.start();
  }

  getValue(
    input: GetSecretValueCommandInput,
    options: OperationOptions,
  ): GetSecretValueCommandOutput {
    const call = { action: 'GetSecretValue', secretName: input.SecretId };
    return this.send(call, input, options) as GetSecretValueCommandOutput;
  }

  describe(secretName: string, options: OperationOptions): DescribeSecretCommandOutput {
    const call = { action: 'DescribeSecret', secretName };
    return this.send(call, { SecretId: secretName }, options) as DescribeSecretCommandOutput;
  }

  close(): Promise<void> {
    return this.#worker.close();
  }

  private send(call: AwsCall, input: object, options: OperationOptions): unknown {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const request = { config: this.config(), action: call.action, input };
    const { output, thrown } = this.#worker.call(request, timeoutMs) as Outcome;
    if (thrown === undefined) return output;
    throw toAwsError(asThrown(thrown), call);
  }

  private config(): AwsClientOptions {
    const { region = defaultRegion(), endpoint, credentials } = this.#options;
    const problem = this.#isClientGiven
      ? 'a `client` that was given'
      : typeof credentials === 'function' && '`credentials` that are a function';
    if (!problem) return { region, endpoint, credentials };
    throw new SecretManagerError(
      'UNSUPPORTED',
      `Synchronous reads are made in a worker, which ${problem} cannot be handed to. Give \`region\`, \`endpoint\` and the ` +
        'keys themselves, leave the credentials to the SDK, or read the name ahead with `preload`.',
    );
  }
}

/** In the form in which the SDK throws it. */
function asThrown({
  name,
  message,
  code,
  statusCode,
  retryAfter,
}: NonNullable<Outcome['thrown']>): Error {
  const response = { statusCode, headers: { 'retry-after': retryAfter } };
  const answered = statusCode === undefined ? {} : { $response: response };
  return Object.assign(new Error(message), { name, code, ...answered });
}
