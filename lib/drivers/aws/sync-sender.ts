import type { OperationOptions } from '../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import { BlockingWorker } from '../../sync/blocking-worker';
import type { AwsService } from './aws-service';
import { MAX_ANSWER_BYTES } from './command-guard';
import { defaultRegion, type AwsConnection } from './connection/connection';
import type { CredentialSource } from './connection/credential-source';
import { toAwsError, type AwsCall } from './errors';

/** The answer of the worker: the output of the SDK, or the relevant parts of its error. */
interface Outcome {
  readonly output?: unknown;
  /** The region of the worker, if the call is for another one. Nothing was sent. */
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

/** The one region in which a call makes sense. */
export interface RequiredRegion {
  readonly name: string;
  /** Returns the error of a call in another region. */
  readonly errorIn: (region: string) => SecretManagerError;
}

/** The parts of a manager that its synchronous reads use. */
export interface SyncSenderOptions {
  readonly connection: AwsConnection;
  /** `true` if the application gave the client, which no worker can use. */
  readonly isClientGiven: boolean;
  readonly source: CredentialSource;
  /** The path of a worker made with `serve-sdk.cjs`, or `undefined` if a bundle does not know it. */
  readonly workerFile: string | undefined;
}

/**
 * The variables that the SDK uses to find credentials: its own, the location of profiles, and those that a
 * `credential_process` needs.
 */
const CREDENTIAL_VARIABLES =
  /^(AWS_\w+|HOME|HOMEDRIVE|HOMEPATH|USERPROFILE|USER|LOGNAME|USERNAME|PATH|PATHEXT|COMSPEC|SYSTEMROOT|TMPDIR|TEMP|TMP)$/;

/** The blocking form of `AwsSender`. The SDK runs in a worker with its own client and credentials. */
export class SyncAwsSender {
  readonly #service: AwsService;
  readonly #options: SyncSenderOptions;
  readonly #worker: BlockingWorker;

  constructor(service: AwsService, options: SyncSenderOptions) {
    this.#service = service;
    this.#options = options;
    this.#worker = new BlockingWorker(options.workerFile, CREDENTIAL_VARIABLES);
  }

  /** Starts the worker before the first call. */
  start(): void {
    this.#worker.start();
  }

  /** Returns the output of the command that the worker knows as `call.action`. */
  send(
    call: AwsCall,
    input: object,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: OperationOptions,
    requiredRegion?: RequiredRegion,
  ): unknown {
    const { source, connection } = this.#options;
    const { allowInsecureHttp = false } = connection;
    const itsRegion = requiredRegion?.name;
    const limits = { itsRegion, allowInsecureHttp, maxBytes: MAX_ANSWER_BYTES };
    const request = { config: this.config(), limits, action: call.action, input };
    const outcome = this.#worker.call(request, timeoutMs) as Outcome;
    const { output, thrown, region, wasSent = false } = outcome;
    if (wasSent) source.recordSuccess();
    if (requiredRegion !== undefined && region !== undefined) throw requiredRegion.errorIn(region);
    if (thrown === undefined) return output;
    const sourceInDoubt = wasSent ? undefined : source;
    throw toAwsError(reviveError(thrown), call, this.#service, sourceInDoubt);
  }

  close(): Promise<void> {
    return this.#worker.close();
  }

  private config(): AwsConnection {
    const { connection, isClientGiven } = this.#options;
    const { region = defaultRegion(), endpoint, credentials } = connection;
    const problem = isClientGiven
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
