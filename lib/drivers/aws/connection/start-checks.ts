import { read } from '../../../core/errors/safe-access';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import type { AwsService } from '../aws-service';
import type { AwsClient, AwsConnection } from './connection';
import { foundEndpointProblems, isSafeAddress, type Probe } from './endpoint';

/** The manager that starts, as the checks see it. */
export interface StartingManager {
  readonly service: AwsService;
  readonly client: AwsClient;
  /** `true` if the application gave the client. */
  readonly isClientGiven: boolean;
  readonly connection: AwsConnection;
  /** The problems of the manager's other options, as sentences. */
  readonly optionProblems: readonly string[];
  readonly probe: Probe;
}

/** Rejects with `MISCONFIGURED` and every problem of the options. Makes no call to AWS. */
export async function assertUsable(manager: StartingManager): Promise<void> {
  const { client, isClientGiven, connection, optionProblems } = manager;
  const noRegion = await regionProblems(client);
  const problems = [
    ...optionProblems,
    ...(isClientGiven ? redundantOptionProblems(connection) : endpointProblems(connection)),
    ...noRegion,
    ...(noRegion.length === 0 ? await addressProblems(manager) : []),
  ];
  if (problems.length > 0) throw new SecretManagerError('MISCONFIGURED', problems.join(' '));
}

/**
 * Emits a process warning about a client with retries, which multiply with those of the library. The client stays
 * unchanged, because other code may rely on its retries.
 */
export async function warnOfRetries(
  client: AwsClient,
  { managerClass }: AwsService,
): Promise<void> {
  const attempts = await client.config.maxAttempts();
  if (attempts <= 1) return;
  process.emitWarning(
    `The client that ${managerClass} was given makes up to ${attempts} attempts for each of the library's. ` +
      'Build it with maxAttempts: 1.',
    { type: 'SecretManagerWarning', code: 'AWS_CLIENT_REPEATS' },
  );
}

function redundantOptionProblems({ region, endpoint, credentials }: AwsConnection): string[] {
  const useless = Object.entries({ region, endpoint, credentials })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => `\`${name}\``);
  if (useless.length === 0) return [];
  return [`A \`client\` was given, which has its own ${useless.join(', ')}: leave these out.`];
}

/** Returns the problems of the endpoint. No problem quotes the address, because it may hold a password. */
function endpointProblems({ endpoint, allowInsecureHttp = false }: AwsConnection): string[] {
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
async function addressProblems({
  service,
  client: { config },
  connection: { endpoint, allowInsecureHttp = false },
  probe,
}: StartingManager): Promise<string[]> {
  if (endpoint !== undefined || read(config, 'ignoreConfiguredEndpointUrls') === true) return [];
  if (config.endpoint === undefined) {
    return await foundEndpointProblems(service, config.region, probe, allowInsecureHttp);
  }
  if (allowInsecureHttp || isSafeAddress(await config.endpoint())) return [];
  return [
    'The `client` sends its requests over http: to another machine. Build it with an https: endpoint, or set ' +
      '`allowInsecureHttp` for an emulator.',
  ];
}

async function regionProblems(client: AwsClient): Promise<string[]> {
  try {
    if (await client.config.region()) return [];
  } catch {
    // the SDK only reports that no region was found
  }
  return ['No AWS region was found: give `region`, or set AWS_REGION or AWS_DEFAULT_REGION.'];
}
