import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { awsNameOf } from '../../aws/errors';
import type { SecretsManagerApi } from '../sdk/api';
import type { Write } from './write';

const CURRENT = 'AWSCURRENT';

/**
 * Writes the first value of a restored secret. Only one of several concurrent claims succeeds: AWS moves
 * `AWSCURRENT` only from the version that holds it. The others reject with `CONFLICT` and leave no version with a
 * stage.
 *
 * @param token the token of the new version
 * @param replaced the version that was current before the restoration, if any
 */
export async function claim(
  api: SecretsManagerApi,
  { name, value, options }: Write,
  token: string,
  replaced: string | undefined,
): Promise<void> {
  const stage = `claim-${token}`;
  const { VersionStages = [] } = await api.putValue(
    { SecretId: name, SecretString: value, ClientRequestToken: token, VersionStages: [stage] },
    options,
  );
  try {
    if (VersionStages.includes(CURRENT)) return; // the first version of a secret is current at once
    const move = { VersionStage: CURRENT, MoveToVersionId: token, RemoveFromVersionId: replaced };
    await api.moveStage({ SecretId: name, ...move }, options);
  } catch (thrown) {
    throw awsNameOf(thrown) === 'InvalidParameterException' ? takenError(name) : thrown;
  } finally {
    const removal = { VersionStage: stage, RemoveFromVersionId: token };
    await api.moveStage({ SecretId: name, ...removal }, options).catch(() => undefined); // a leftover stage does no harm
  }
}

/** Returns the error of a claim that came too late. */
export function takenError(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `${quoteName(secretName)} was pending deletion, and somebody else has written it at the same time. It is theirs.`,
    { secretName },
  );
}
