import { read } from '../../../core/errors/safe-access';
import { isLoopback } from '../../../core/validation/loopback';
import type { AwsService } from '../aws-service';

/** The configuration of a client that sends nothing. It records the request instead. */
export interface ProbeConfig {
  readonly region: () => Promise<string>;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly maxAttempts: number;
  readonly requestHandler: { handle(request: unknown): Promise<never> };
}

/** Makes any call with a client of this configuration. */
export type Probe = (config: ProbeConfig) => Promise<unknown>;

/** Returns whether a request or URL uses https, or http within this machine. */
export function isSafeAddress(address: unknown): boolean {
  const protocol = read(address, 'protocol');
  if (protocol === 'https:') return true;
  return protocol === 'http:' && isLoopback(String(read(address, 'hostname')));
}

/**
 * Resolves to the problems of the address that the SDK finds: in the variable of the service, in `AWS_ENDPOINT_URL`,
 * or in the profile. Sends nothing. No problem quotes the address, because it may hold a password.
 */
export async function foundEndpointProblems(
  { endpointVariable }: AwsService,
  region: () => Promise<string>,
  probe: Probe,
  allowsInsecureHttp: boolean,
): Promise<string[]> {
  let request: unknown;
  await probe({
    region,
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    maxAttempts: 1,
    requestHandler: {
      handle: (given) => {
        request = given;
        return Promise.reject(new Error('Nothing is sent.'));
      },
    },
  }).catch(() => undefined);
  if (request === undefined) {
    return [
      `The SDK finds no address of AWS. Check AWS_ENDPOINT_URL, ${endpointVariable} and \`endpoint_url\` of the profile.`,
    ];
  }
  if (allowsInsecureHttp || isSafeAddress(request)) return [];
  return [
    `The endpoint of AWS, which the environment (AWS_ENDPOINT_URL, ${endpointVariable}) or the profile ` +
      '(`endpoint_url`) sets, is not https:, and everybody on the way would read the secrets. Use https:, or set ' +
      '`allowInsecureHttp` for an emulator.',
  ];
}
