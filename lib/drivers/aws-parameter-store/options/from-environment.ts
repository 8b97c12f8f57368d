import { variablesOf, withoutUndefined } from '../../../core/validation/given-options';
import type { AwsParameterStoreSecretManagerOptions } from './parameter-store.options';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the options in the variables of AWS and of LiteLLM. The SDK itself reads the credentials of `process.env`,
 * because it also knows profiles and roles. An empty variable counts as unset.
 */
export function optionsFromEnvironment(
  environment: Environment,
): AwsParameterStoreSecretManagerOptions {
  const first = variablesOf(environment);
  const ignoresEndpoints = environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true';
  return withoutUndefined({
    region: first('AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_REGION_NAME'),
    endpoint: ignoresEndpoints ? undefined : first('AWS_ENDPOINT_URL_SSM', 'AWS_ENDPOINT_URL'),
    credentials: environment === process.env ? undefined : credentialsIn(first),
  });
}

/** Returns the keys, if there is one. The start reports that the other is missing. */
function credentialsIn(
  first: (name: string) => string | undefined,
): { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined {
  const accessKeyId = first('AWS_ACCESS_KEY_ID');
  const secretAccessKey = first('AWS_SECRET_ACCESS_KEY');
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  const sessionToken = first('AWS_SESSION_TOKEN');
  return {
    accessKeyId: accessKeyId ?? '',
    secretAccessKey: secretAccessKey ?? '',
    ...(sessionToken !== undefined && { sessionToken }),
  };
}
