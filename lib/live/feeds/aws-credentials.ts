import { liveFields } from './live-fields';
import { assertIsLiveValue, type LiveValue } from './live-value';

/** The credentials that the AWS SDK takes. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration: Date;
}

/** The fields of the secret: in the words of AWS, or of Vault's engine `aws`. */
export interface AwsCredentialsFields {
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string | null;
  readonly access_key?: string;
  readonly secret_key?: string;
  readonly security_token?: string | null;
  readonly session_token?: string | null;
}

/** The AWS SDK asks again before this time is over. Without an expiration it never asks again. */
const REUSED_FOR_MS = 60_000;

/**
 * Returns the option `credentials` of a client of the AWS SDK v3. The secret holds `accessKeyId`,
 * `secretAccessKey` and perhaps `sessionToken`, or `access_key`, `secret_key` and `security_token` as Vault gives
 * them.
 *
 * `expiration` is the end of the secret's lease, else in 60 s. The SDK asks again before each request that it
 * makes in the five minutes before `expiration`.
 */
export function awsCredentials(
  secret: LiveValue<string | AwsCredentialsFields>,
): () => Promise<AwsCredentials> {
  assertIsLiveValue('awsCredentials', secret);
  const fields = liveFields('awsCredentials', secret);
  return async () => {
    const { text, optionalText } = await fields.get();
    const sessionToken = optionalText('sessionToken', 'session_token', 'security_token');
    return {
      accessKeyId: text('accessKeyId', 'access_key'),
      secretAccessKey: text('secretAccessKey', 'secret_key'),
      ...(sessionToken !== undefined && { sessionToken }),
      expiration: secret.expiresAt ?? new Date(Date.now() + REUSED_FOR_MS),
    };
  };
}
