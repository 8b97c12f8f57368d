import { quoteName } from '../../../core/errors/wording';
import { isRecord } from '../../../core/validation/option-rules';
import type { CredentialFacts, ExternalAccount, SubjectSource } from './credential';
import { USE_TOKEN_SOURCE } from './google-auth';
import { requiredText, unusable, type CredentialJson } from './credential-json';

const DEFAULT_LIFETIME_SECONDS = 3_600;
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

/** Fields that ask for another exchange than the one that the driver knows. */
const UNKNOWN_EXCHANGES = ['client_id', 'client_secret', 'workforce_pool_user_project'];

/**
 * Returns the federation of another identity provider. Its URLs come from the file, so they have to be those of
 * Google: another host would get the token.
 *
 * @param tokenUrl replaces the `token_url` of the file
 */
export function parseExternalAccount(
  json: CredentialJson,
  place: string,
  universe: string,
  tokenUrl?: string,
): Omit<ExternalAccount, keyof CredentialFacts> {
  const unknown = UNKNOWN_EXCHANGES.find((field) => json[field] !== undefined);
  if (unknown !== undefined) {
    throw unusable(
      place,
      `has the field ${quoteName(unknown)}, which the driver cannot use: ${USE_TOKEN_SOURCE}`,
    );
  }
  const impersonationUrl = json.service_account_impersonation_url;
  return {
    type: 'external_account',
    audience: requiredText(json, 'audience', place),
    subjectTokenType: requiredText(json, 'subject_token_type', place),
    subject: subjectOf(json.credential_source, place),
    tokenUrl: tokenUrl ?? googleUrl(json.token_url, 'token_url', place, universe),
    impersonationUrl:
      impersonationUrl === undefined
        ? undefined
        : impersonationUrlOf(impersonationUrl, place, universe, tokenUrl),
    lifetimeSeconds: lifetimeOf(json.service_account_impersonation),
  };
}

/** Returns the URL of the impersonation. It may also have the origin that the application gave as `tokenUrl`. */
function impersonationUrlOf(
  given: unknown,
  place: string,
  universe: string,
  tokenUrl: string | undefined,
): string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  const isGiven = tokenUrl !== undefined && url?.origin === new URL(tokenUrl).origin;
  if (url && isGiven && !url.username && !url.password) return url.href;
  return googleUrl(given, 'service_account_impersonation_url', place, universe);
}

function googleUrl(given: unknown, field: string, place: string, universe: string): string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  const isOfGoogle =
    url?.protocol === 'https:' &&
    url.hostname.endsWith(`.${universe}`) &&
    url.port === '' &&
    url.username === '' &&
    url.password === '';
  if (isOfGoogle) return url.href;
  throw unusable(
    place,
    `has a \`${field}\` that is not below https://*.${universe}: the token would go elsewhere. If that is right, ${USE_TOKEN_SOURCE}`,
  );
}

function subjectOf(source: unknown, place: string): SubjectSource {
  const kinds = isRecord(source)
    ? ['file', 'url'].filter((kind) => source[kind] !== undefined)
    : [];
  if (!isRecord(source) || kinds.length !== 1 || source.environment_id !== undefined) {
    throw unusable(
      place,
      `has a \`credential_source\` that is neither a file nor a URL, which the driver cannot use: ${USE_TOKEN_SOURCE}`,
    );
  }
  const { file, url, headers = {}, format = {} } = source;
  if (file !== undefined && typeof file !== 'string') {
    throw unusable(place, 'has a `credential_source.file` that is no path');
  }
  if (url !== undefined && !isHttpUrl(url)) {
    throw unusable(place, 'has a `credential_source.url` that is no URL of http: or https:');
  }
  if (!isRecord(headers) || !Object.entries(headers).every(isHeader)) {
    throw unusable(place, 'has `credential_source.headers` that no request can have');
  }
  return {
    file,
    url,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, String(value)]),
    ),
    field: fieldOf(format, place),
  };
}

/** A value may have spaces, as `Bearer ...` has, which GitHub Actions needs. */
function isHeader([name, value]: readonly [string, unknown]): boolean {
  return HEADER_NAME.test(name) && typeof value === 'string' && HEADER_VALUE.test(value);
}

function fieldOf(format: unknown, place: string): string | undefined {
  if (
    !isRecord(format) ||
    ![undefined, 'text', 'json'].includes(format.type as string | undefined)
  ) {
    throw unusable(place, 'has a `credential_source.format` that is neither text nor json');
  }
  if (format.type !== 'json') return undefined;
  return requiredText(format, 'subject_token_field_name', place);
}

function isHttpUrl(given: unknown): given is string {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && !url.username && !url.password;
}

function lifetimeOf(impersonation: unknown): number {
  const seconds = isRecord(impersonation) ? impersonation.token_lifetime_seconds : undefined;
  return typeof seconds === 'number' && seconds > 0 ? seconds : DEFAULT_LIFETIME_SECONDS;
}
