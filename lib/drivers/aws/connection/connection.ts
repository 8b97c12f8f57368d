import { checkedCredentials } from './given-credentials';

/** The connection to AWS. The SDK finds omitted options in the environment, in profiles and in roles. */
export interface AwsConnection<Credentials = unknown> {
  /** Default: `AWS_REGION`, then `AWS_DEFAULT_REGION`, then the profile. */
  readonly region?: string;
  /** An address to use instead of that of AWS, such as a VPC endpoint or an emulator. */
  readonly endpoint?: string;
  /** Default: the credential chain of the SDK. */
  readonly credentials?: Credentials;
  /** Allows an `http:` endpoint beyond this machine. Values travel unencrypted. Default: `false`. */
  readonly allowInsecureHttp?: boolean;
}

/** The part of an SDK client that every service has. */
export interface AwsClient {
  readonly config: {
    readonly region: () => Promise<string>;
    readonly maxAttempts: () => Promise<number>;
    readonly endpoint?: () => Promise<unknown>;
  };
  destroy(): void;
}

/** Returns the configuration of a client without retries of its own, because the library retries. */
export function clientConfig<Credentials>({
  region = defaultRegion(),
  endpoint,
  credentials,
}: AwsConnection<Credentials>) {
  return {
    region: region === '' ? undefined : region, // the start reports it, and the client would throw
    endpoint,
    credentials: checkedCredentials(credentials),
    maxAttempts: 1,
    // the SDK's own strategy hides errors of another realm (Node's under jest), even with one attempt
    retryStrategy: { retry },
    requestHandler: { throwOnRequestTimeout: true }, // the default only warns and keeps waiting
  };
}

/** Returns `AWS_DEFAULT_REGION` if `AWS_REGION` is unset. Unlike other SDKs, that for JavaScript ignores it. */
export function defaultRegion(): string | undefined {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return AWS_REGION ? undefined : AWS_DEFAULT_REGION;
}

function retry<Arguments, Result>(
  next: (args: Arguments) => Promise<Result>,
  args: Arguments,
): Promise<Result> {
  return next(args);
}
