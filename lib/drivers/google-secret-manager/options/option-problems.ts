import {
  isRecord,
  optional,
  ruleProblems,
  type Rules,
} from '../../../core/validation/option-rules';
import type { GoogleEnvironment } from '../../google/credentials/google-auth';
import { credentialProblems, googleRules, matching } from '../../google/google-option-problems';
import { mapNameRule } from '../../http/options/mapped-names';
import type { GoogleSecretManagerOptions } from './google.options';

const LOCATION = /^[a-z][a-z0-9-]*$/;

/** Returns every problem of the options as a sentence. No problem quotes a secret. Sends no request. */
export function optionProblems(
  options: GoogleSecretManagerOptions,
  environment: GoogleEnvironment,
): readonly string[] {
  const rules: Rules<keyof GoogleSecretManagerOptions> = {
    ...googleRules(options, 'https://secretmanager.googleapis.com'),
    location: matching(LOCATION, 'is no location, as "europe-west3"'),
    mapName: mapNameRule,
    replication: (given) => replicationProblem(given, options.location),
  };
  return [...ruleProblems(options, optional(rules)), ...credentialProblems(options, environment)];
}

function replicationProblem(given: unknown, location: unknown): string | undefined {
  if (location !== undefined)
    return 'does not apply to regional secrets: leave it out, or location';
  const kinds = isRecord(given) ? Object.keys(given) : [];
  const [kind] = kinds;
  const isKnown = kinds.length === 1 && (kind === 'automatic' || kind === 'userManaged');
  if (isKnown && isRecord(given) && isRecord(given[kind])) return undefined;
  return 'must be { automatic: {} } or { userManaged: { replicas: [{ location }] } }';
}
