import {
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { read } from '../../../core/errors/safe-access';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { unknownOptions } from '../../../core/validation/option-rules';
import { foundEndpointProblems, isSafeAddress } from './endpoint';

/** The connection to AWS. The SDK finds omitted options in the environment, in profiles and in roles. */
export interface AwsClientOptions {
  /** Default: `AWS_REGION`, then `AWS_DEFAULT_REGION`, then the profile. */
  readonly region?: string;
  /** An address to use instead of that of AWS, such as a VPC endpoint or an emulator. */
  readonly endpoint?: string;
  /** Default: the credential chain of the SDK. */
  readonly credentials?: SecretsManagerClientConfig['credentials'];
  /** Allows an `http:` endpoint beyond this machine. Values travel unencrypted. Default: `false`. */
  readonly allowInsecureHttp?: boolean;
}

const OPTIONS = [
  'region',
  'endpoint',
  'credentials',
  'client',
  'kmsKeyId',
  'replicaRegions',
  'allowInsecureHttp',
  'startsSyncReads',
];

/** Creates a client without retries of its own, because the library retries. */
export function createClient({
  region = defaultRegion(),
  endpoint,
  credentials,
}: AwsClientOptions): SecretsManagerClient {
  return new SecretsManagerClient({
    region,
    endpoint,
    credentials,
    maxAttempts: 1,
    // the SDK's own strategy hides errors of another realm (Node's under jest), even with one attempt
    retryStrategy: { retry: (next, args) => next(args) },
    requestHandler: { throwOnRequestTimeout: true }, // the default only warns and keeps waiting
  });
}

/** Rejects with `MISCONFIGURED` and every problem of the options. */
export async function assertUsable(
  client: SecretsManagerClient,
  isGiven: boolean,
  options: AwsClientOptions,
): Promise<void> {
  const noRegion = await regionProblems(client);
  const problems = [
    ...unknownOptions(options, OPTIONS).map((problem) => `${problem}.`),
    ...(isGiven ? redundantOptionProblems(options) : endpointProblems(options)),
    ...noRegion,
    ...(noRegion.length === 0 ? await addressProblems(client, options) : []),
  ];
  if (problems.length > 0) throw new SecretManagerError('MISCONFIGURED', problems.join(' '));
}

/**
 * Emits a process warning about a client with retries, which multiply with those of the library. The client stays
 * unchanged, because other code may rely on its retries.
 */
export async function warnOfRetries(client: SecretsManagerClient): Promise<void> {
  const attempts = await client.config.maxAttempts();
  if (attempts <= 1) return;
  process.emitWarning(
    `The client that AwsSecretManager was given makes up to ${attempts} attempts for each of the library's. ` +
      'Build it with maxAttempts: 1.',
    { type: 'SecretManagerWarning', code: 'AWS_CLIENT_REPEATS' },
  );
}

/** Returns `AWS_DEFAULT_REGION` if `AWS_REGION` is unset. Unlike other SDKs, that for JavaScript ignores it. */
export function defaultRegion(): string | undefined {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return AWS_REGION ? undefined : AWS_DEFAULT_REGION;
}

function redundantOptionProblems({ region, endpoint, credentials }: AwsClientOptions): string[] {
  const useless = Object.entries({ region, endpoint, credentials })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `\`${name}\``);
  if (useless.length === 0) return [];
  return [`A \`client\` was given, which has its own ${useless.join(', ')}: leave these out.`];
}

/** Returns the problems of the endpoint. No problem quotes the address, because it may hold a password. */
function endpointProblems({ endpoint, allowInsecureHttp = false }: AwsClientOptions): string[] {
  if (endpoint === undefined) return [];
  if (!URL.canParse(endpoint)) return ['`endpoint` is no URL: write it as https://host.'];
  const url = new URL(endpoint);
  const { protocol, username, password } = url;
  if (username || password)
    return ['`endpoint` holds a user or a password: AWS takes `credentials` alone.'];
  if (protocol === 'https:') return [];
  if (protocol !== 'http:') return ['`endpoint` must begin with https://.'];
  if (allowInsecureHttp || isSafeAddress(url)) return [];
  return [
    '`endpoint` is http: to another machine, where everybody on the way reads the secrets. Use https:, or set ' +
      '`allowInsecureHttp` for an emulator.',
  ];
}

/** Checks an address that no option gives: that of a given client, or the one that the SDK finds. */
async function addressProblems(
  { config }: SecretsManagerClient,
  { endpoint, allowInsecureHttp = false }: AwsClientOptions,
): Promise<string[]> {
  if (endpoint !== undefined || read(config, 'ignoreConfiguredEndpointUrls') === true) return [];
  if (config.endpoint === undefined) {
    return await foundEndpointProblems(config.region, allowInsecureHttp);
  }
  if (allowInsecureHttp || isSafeAddress(await config.endpoint())) return [];
  return [
    'The `client` sends its requests over http: to another machine. Build it with an https: endpoint, or set ' +
      '`allowInsecureHttp` for an emulator.',
  ];
}

async function regionProblems(client: SecretsManagerClient): Promise<string[]> {
  try {
    if (await client.config.region()) return [];
  } catch {
    // the SDK only reports that no region was found
  }
  return ['No AWS region was found: give `region`, or set AWS_REGION or AWS_DEFAULT_REGION.'];
}
