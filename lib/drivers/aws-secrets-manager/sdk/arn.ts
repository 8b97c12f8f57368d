import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

/** AWS puts a dash and six characters after the name of a secret in its ARN. */
const SUFFIX = '-AbCdEf'.length;

/** The ARN of a secret, with its suffix or without: partition, region and account come before the name. */
const SECRET_ARN = /^arn:[^:]+:secretsmanager:([^:]+):[^:]+:secret:(.+)$/;

/**
 * Returns the region that the ARN of a secret names, and `undefined` for a plain name. Throws `INVALID_ARGUMENT` for an ARN
 * of anything else.
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

/** Returns what stands for the name in the ARN of a secret, with the suffix if there is one. */
export function nameInArn(arn: string): string | undefined {
  return SECRET_ARN.exec(arn)?.[2];
}

/** An ARN without its suffix, which AWS accepts in a request. */
export function partialArn(arn: string): string {
  return arn.slice(0, -SUFFIX);
}

/** The error for an ARN of a region that the manager does not ask. AWS itself would report the secret as missing. */
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
