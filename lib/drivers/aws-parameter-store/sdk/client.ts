import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { clientConfig } from '../../aws/connection/connection';
import type { ProbeConfig } from '../../aws/connection/endpoint';
import type { AwsParameterStoreSecretManagerOptions } from '../options/parameter-store.options';

/** Creates a client without retries of its own, because the library retries. */
export function createClient(options: AwsParameterStoreSecretManagerOptions): SSMClient {
  return new SSMClient(clientConfig(options));
}

/** Makes a call, so that the address is known which the SDK finds. */
export function probe(config: ProbeConfig): Promise<unknown> {
  return new SSMClient(config).send(new GetParameterCommand({ Name: 'none' }));
}
