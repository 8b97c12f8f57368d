import { must, optional, ruleProblems, type Rules } from '../../../core/validation/option-rules';
import type { GoogleEnvironment } from '../../google/credentials/google-auth';
import type { GoogleConnectionOptions } from '../../google/google-connection';
import { credentialProblems, googleRules, matching } from '../../google/google-option-problems';

export interface GoogleKmsOptions extends Omit<GoogleConnectionOptions, 'projectId'> {
  /** The name of the key: `projects/P/locations/L/keyRings/R/cryptoKeys/K`. */
  readonly key: string;
  /** Text that a ciphertext is bound to. Others cannot be decrypted. Default: none. */
  readonly additionalAuthenticatedData?: string;
}

const KEY =
  /^projects\/([a-z0-9][a-z0-9.:-]*)\/locations\/[a-z0-9-]+\/keyRings\/[\w-]{1,63}\/cryptoKeys\/[\w-]{1,63}$/i;
const KEY_PROBLEM =
  'is no name of a key, as "projects/payments/locations/europe-west3/keyRings/app/cryptoKeys/secrets"';

/** Returns every problem of the options as a sentence. No problem quotes a secret. Sends no request. */
export function optionProblems(
  options: Partial<GoogleKmsOptions>,
  environment: GoogleEnvironment,
): readonly string[] {
  const googles = Object.entries(googleRules(options, 'https://cloudkms.googleapis.com'));
  const shared = Object.fromEntries(googles.filter(([field]) => field !== 'projectId'));
  const rules: Rules = {
    additionalAuthenticatedData: must(
      'be a text that is not empty',
      (value) => typeof value === 'string' && value !== '',
    ),
    ...shared,
  };
  const projectId = KEY.exec(String(options.key))?.[1] ?? 'none'; // a wrong key is reported by its rule
  return [
    ...ruleProblems(options, { key: matching(KEY, KEY_PROBLEM), ...optional(rules) }),
    ...credentialProblems({ ...options, projectId }, environment),
  ];
}
