import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

/** The length of the suffix of an ARN. AWS appends a dash and six characters to the name. */
const SUFFIX = '-AbCdEf'.length;

/** Matches the ARN of a secret, with or without its suffix. Partition, region and account precede the name. */
const SECRET_ARN = /^arn:[^:]+:secretsmanager:([^:]+):[^:]+:secret:(.+)$/;

/**
 * Returns the region in the ARN of a secret, or `undefined` for a plain name. Throws `INVALID_ARGUMENT` for any
 * other ARN.
 */
export function regionOf(secretId: string): string | undefined {
  if (!secretId.startsWith('arn:')) return undefined;
  const region = SECRET_ARN.exec(secretId)?.[1];
  if (region !== undefined) return region;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `${quoteName(secretId)} is not the ARN of a secret. That has the form ` +
      'arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME.',
    { secretName: secretId },
  );
}

/** Returns the name in the ARN of a secret, with its suffix if present. */
export function nameInArn(arn: string): string | undefined {
  return SECRET_ARN.exec(arn)?.[2];
}

/** Returns the ARN without its suffix, which AWS accepts in a request. */
export function partialArn(arn: string): string {
  return arn.slice(0, -SUFFIX);
}

/** Returns the error for an ARN of another region. AWS itself would report the secret as missing. */
export function otherRegionError(
  secretName: string,
  itsRegion: string,
  region: string,
): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `${quoteName(secretName)} is a secret of the region ${itsRegion}, and the manager asks ${region}. Ask for a secret of ` +
      `${region}, or register a second manager with \`region: '${itsRegion}'\`.`,
    { secretName },
  );
}
