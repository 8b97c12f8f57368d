import { createPrivateKey, type KeyObject } from 'node:crypto';
import { isRecord } from '../../../core/validation/option-rules';
import type { AuthorizedUser, CredentialFacts, FileCredential, ServiceAccount } from './credential';
import { optionalText, requiredText, unusable, type CredentialJson } from './credential-json';
import { GOOGLE_UNIVERSE, PROJECT_ID, USE_TOKEN_SOURCE } from './google-auth';
import { parseExternalAccount } from './parse-external-account';

const USER_TOKEN_URL = 'https://oauth2.googleapis.com/token';
const UNIVERSE = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;

/**
 * Returns the credential in the JSON of a credential file. Throws `MISCONFIGURED` without quoting a secret.
 *
 * @param place names the file, or the option
 * @param tokenUrl replaces the address of the token endpoint
 */
export function parseCredential(json: unknown, place: string, tokenUrl?: string): FileCredential {
  if (!isRecord(json)) throw unusable(place, 'holds no JSON object');
  const facts = factsOf(json, place);
  switch (json.type) {
    case 'service_account':
      return { ...facts, ...serviceAccount(json, place) };
    case 'authorized_user':
      return { ...facts, ...authorizedUser(json, place, tokenUrl) };
    case 'external_account':
      return { ...facts, ...parseExternalAccount(json, place, facts.universe, tokenUrl) };
    default:
      throw unusable(
        place,
        `holds a credential of a type that the driver cannot use: ${USE_TOKEN_SOURCE}`,
      );
  }
}

function factsOf(json: CredentialJson, place: string): CredentialFacts {
  const universe = optionalText(json.universe_domain) ?? GOOGLE_UNIVERSE;
  if (!UNIVERSE.test(universe)) throw unusable(place, 'has a `universe_domain` that is no domain');
  return {
    universe,
    projectId: projectIn(json, 'project_id', place),
    quotaProjectId: projectIn(json, 'quota_project_id', place),
  };
}

/** Returns the project of a field. It is sent in URLs and headers. */
function projectIn(json: CredentialJson, field: string, place: string): string | undefined {
  const project = optionalText(json[field]);
  if (project === undefined || PROJECT_ID.test(project)) return project;
  throw unusable(place, `has a \`${field}\` that is no ID of a project`);
}

function serviceAccount(
  json: CredentialJson,
  place: string,
): Omit<ServiceAccount, keyof CredentialFacts> {
  return {
    type: 'service_account',
    email: requiredText(json, 'client_email', place),
    keyId: optionalText(json.private_key_id),
    privateKey: privateKeyOf(requiredText(json, 'private_key', place), place),
  };
}

/** Also accepts a key whose line breaks were written as `\n`, as variables often have them. */
function privateKeyOf(pem: string, place: string): KeyObject {
  try {
    const key = createPrivateKey(pem.replaceAll('\\n', '\n'));
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // the error is replaced by one that names the field
  }
  throw unusable(place, 'has a `private_key` that is no RSA key in PEM');
}

function authorizedUser(
  json: CredentialJson,
  place: string,
  tokenUrl = USER_TOKEN_URL,
): Omit<AuthorizedUser, keyof CredentialFacts> {
  return {
    type: 'authorized_user',
    clientId: requiredText(json, 'client_id', place),
    clientSecret: requiredText(json, 'client_secret', place),
    refreshToken: requiredText(json, 'refresh_token', place),
    tokenUrl,
  };
}
