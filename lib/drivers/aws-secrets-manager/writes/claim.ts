import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { SecretsManagerApi } from '../sdk/api';
import { awsNameOf } from '../sdk/errors';
import type { Write } from './write';

const CURRENT = 'AWSCURRENT';

/**
 * Gives a secret that was restored its first new value, and of several that do so at once to one alone: AWS moves
 * `AWSCURRENT` only away from the version that has it. The others get `CONFLICT`, and leave nothing behind that has a stage.
 *
 * @param token of the version that is made
 * @param replaced the version that was current while the secret was pending deletion, if it had one
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
    if (VersionStages.includes(CURRENT)) return; // the first version of all is current at once
    const move = { VersionStage: CURRENT, MoveToVersionId: token, RemoveFromVersionId: replaced };
    await api.moveStage({ SecretId: name, ...move }, options);
  } catch (thrown) {
    throw awsNameOf(thrown) === 'InvalidParameterException' ? takenError(name) : thrown;
  } finally {
    const removal = { VersionStage: stage, RemoveFromVersionId: token };
    await api.moveStage({ SecretId: name, ...removal }, options).catch(() => undefined); // it is in nobody's way
  }
}

/** What whoever came too late is told. */
export function takenError(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `${quoteName(secretName)} was pending deletion, and somebody else has written it at the same time. It is theirs.`,
    { secretName },
  );
}
