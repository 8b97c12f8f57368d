import {
  ListSecretsCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { unknownOptions } from '../../../core/validation/option-rules';
import { clientConfig, type AwsConnection } from '../../aws/connection/connection';
import type { ProbeConfig } from '../../aws/connection/endpoint';

/** The connection to AWS. The SDK finds omitted options in the environment, in profiles and in roles. */
export type AwsClientOptions = AwsConnection<SecretsManagerClientConfig['credentials']>;

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
export function createClient(options: AwsClientOptions): SecretsManagerClient {
  return new SecretsManagerClient(clientConfig(options));
}

/** Makes the smallest possible call, so that the address is known which the SDK finds. */
export function probe(config: ProbeConfig): Promise<unknown> {
  return new SecretsManagerClient(config).send(new ListSecretsCommand({}));
}

/** Returns a sentence for each unknown option. */
export function optionProblems(options: object): string[] {
  return unknownOptions(options, OPTIONS).map((problem) => `${problem}.`);
}
