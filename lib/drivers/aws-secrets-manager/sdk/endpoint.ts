import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { read } from '../../../core/errors/safe-access';
import { isLoopback } from '../../../core/validation/loopback';

/** Returns whether a request or URL uses https, or http within this machine. */
export function isSafeAddress(address: unknown): boolean {
  const protocol = read(address, 'protocol');
  if (protocol === 'https:') return true;
  return protocol === 'http:' && isLoopback(String(read(address, 'hostname')));
}

/**
 * Resolves to the problems of the address that the SDK finds: in `AWS_ENDPOINT_URL_SECRETS_MANAGER`, in
 * `AWS_ENDPOINT_URL`, or in the profile. Sends nothing. No problem quotes the address, because it may hold a
 * password.
 */
export async function foundEndpointProblems(
  region: () => Promise<string>,
  allowsInsecureHttp: boolean,
): Promise<string[]> {
  let request: unknown;
  const client = new SecretsManagerClient({
    region,
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    maxAttempts: 1,
    requestHandler: {
      handle: (given: unknown) => {
        request = given;
        return Promise.reject(new Error('Nothing is sent.'));
      },
    },
  });
  await client.send(new ListSecretsCommand({})).catch(() => undefined);
  if (request === undefined) {
    return [
      'The SDK finds no address of AWS. Check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SECRETS_MANAGER and `endpoint_url` of the profile.',
    ];
  }
  if (allowsInsecureHttp || isSafeAddress(request)) return [];
  return [
    'The endpoint of AWS, which the environment (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SECRETS_MANAGER) or the profile ' +
      '(`endpoint_url`) sets, is not https:, and everybody on the way would read the secrets. Use https:, or set ' +
      '`allowInsecureHttp` for an emulator.',
  ];
}
