import {
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { read } from '../../../core/errors/safe-access';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { unknownOptions } from '../../../core/validation/option-rules';
import { foundEndpointProblems, isSafeAddress } from './endpoint';

/** How to reach AWS. What is left out is found by the SDK, in the environment, in profiles and in roles. */
export interface AwsClientOptions {
  /** Default: `AWS_REGION`, then `AWS_DEFAULT_REGION`, then the profile. */
  readonly region?: string;
  /** Another address than that of AWS: a VPC endpoint, an emulator. */
  readonly endpoint?: string;
  /** Default: the credential chain of the SDK. */
  readonly credentials?: SecretsManagerClientConfig['credentials'];
  /** Permits an `http:` endpoint beyond this machine. Values go over the wire in the clear. Default `false`. */
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

/** A client without repetitions of its own: the library repeats, in one place. */
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
    // the SDK's own, even for one attempt, puts an error of another realm, as Node's are under jest, into one that tells nothing
    retryStrategy: { retry: (next, args) => next(args) },
    requestHandler: { throwOnRequestTimeout: true }, // otherwise it warns, and goes on waiting
  });
}

/** Throws `MISCONFIGURED` with everything that is wrong. */
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
 * Warns, through the process, of a client whose repetitions multiply with those of the library. It is for its owner to
 * change: other code may depend on them.
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

/** The SDK for JavaScript alone, of all of AWS's, does not know the second. */
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

/** The address is not quoted: it may hold a password. */
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

/** Judges an address that no option gives: that of a client that was given, or what the SDK finds for itself. */
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
    // the SDK says no more than that there is none
  }
  return ['No AWS region was found: give `region`, or set AWS_REGION or AWS_DEFAULT_REGION.'];
}
