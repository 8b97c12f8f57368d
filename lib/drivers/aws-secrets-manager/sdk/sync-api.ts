import type {
  DescribeSecretCommandOutput,
  GetSecretValueCommandInput,
  GetSecretValueCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { BlockingWorker } from '../../../sync/blocking-worker';
import { otherRegionError, regionOf } from './arn';
import { defaultRegion, type AwsClientOptions } from './client';
import { MAX_ANSWER_BYTES } from './command-guard';
import type { CredentialSource } from './credential-source';
import { toAwsError, type AwsCall } from './errors';

/** The answer of the worker: the output of the SDK, or the relevant parts of its error. */
interface Outcome {
  readonly output?: unknown;
  /** The region of the worker, if the secret is in another one. Nothing was sent. */
  readonly region?: string;
  /** `true` if the request was signed and sent. */
  readonly wasSent?: boolean;
  readonly thrown?: {
    readonly name?: string;
    readonly message?: string;
    readonly code?: string;
    readonly statusCode?: number;
    readonly retryAfter?: string;
  };
}

/**
 * The variables that the SDK uses to find credentials: its own, the location of profiles, and those that a
 * `credential_process` needs.
 */
const CREDENTIAL_VARIABLES =
  /^(AWS_\w+|HOME|HOMEDRIVE|HOMEPATH|USERPROFILE|USER|LOGNAME|USERNAME|PATH|PATHEXT|COMSPEC|SYSTEMROOT|TMPDIR|TEMP|TMP)$/;

/** The blocking form of `SecretsManagerApi`. The SDK runs in a worker with its own client and credentials. */
export class SyncSecretsManagerApi {
  readonly #options: AwsClientOptions;
  readonly #isClientGiven: boolean;
  readonly #source: CredentialSource;
  readonly #worker: BlockingWorker;

  /** @param workerFile the path of `sync.worker.cjs`, or `undefined` if a bundle does not know it */
  constructor(
    options: AwsClientOptions,
    isClientGiven: boolean,
    source: CredentialSource,
    workerFile: string | undefined,
  ) {
    this.#worker = new BlockingWorker(workerFile, CREDENTIAL_VARIABLES);
    this.#options = options;
    this.#isClientGiven = isClientGiven;
    this.#source = source;
  }

  /** Starts the worker before the first call. */
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

  private send(call: AwsCall, input: { SecretId?: string }, options: OperationOptions): unknown {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const { SecretId = '' } = input;
    const itsRegion = regionOf(SecretId);
    const { allowInsecureHttp = false } = this.#options;
    const limits = { itsRegion, allowInsecureHttp, maxBytes: MAX_ANSWER_BYTES };
    const request = { config: this.config(), limits, action: call.action, input };
    const outcome = this.#worker.call(request, timeoutMs) as Outcome;
    const { output, thrown, region, wasSent = false } = outcome;
    if (wasSent) this.#source.recordSuccess();
    if (itsRegion !== undefined && region !== undefined) {
      throw otherRegionError(SecretId, itsRegion, region);
    }
    if (thrown === undefined) return output;
    throw toAwsError(reviveError(thrown), call, wasSent ? undefined : this.#source);
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

/** Rebuilds an error in the form in which the SDK throws it. */
function reviveError({
  name,
  message,
  code,
  statusCode,
  retryAfter,
}: NonNullable<Outcome['thrown']>): Error {
  const response = { statusCode, headers: { 'retry-after': retryAfter } };
  const $metadata = { httpStatusCode: statusCode };
  const answered = statusCode === undefined ? {} : { $response: response, $metadata };
  return Object.assign(new Error(message), { name, code, ...answered });
}
