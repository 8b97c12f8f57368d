import type { Parameter } from '@aws-sdk/client-ssm';
import type { SecretReading } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

/** Translates an answer of AWS. The version is its number as text. */
export function toReading(
  { Value: value, Version }: Parameter = {},
  secretName: string,
): SecretReading {
  if (typeof value === 'string') return { value, version: versionOf(Version) };
  throw new SecretManagerError(
    'MALFORMED',
    `AWS answered without a text for ${quoteName(secretName)}. Check the endpoint.`,
    { secretName },
  );
}

export function versionOf(version: unknown): string | undefined {
  return typeof version === 'number' ? String(version) : undefined;
}
