import type { SecretManagerErrorCode } from '../../core/errors/secret-manager.error';

/** The code and the text of an error: the cause and the remedy. Placeholders: `{right}` and `{service}`. */
export type ErrorRow = readonly [code: SecretManagerErrorCode, meaning: string];

/** Rows in order. The first with matching words explains an error. */
export type WordRows = readonly (readonly [words: RegExp, row: ErrorRow])[];

/** The errors that only one service has. They win over the errors that all services have. */
export interface ServiceRows {
  readonly rows: Readonly<Record<string, ErrorRow>>;
  /** The errors that only their text tells apart. */
  readonly rowsByWords?: Readonly<Record<string, WordRows>>;
}

const DENIED: ErrorRow = [
  'ACCESS_DENIED',
  'AWS refused access. Allow the role of the application {right}, and the use of the KMS key where the secret has one of its own',
];
const EXPIRED: ErrorRow = ['UNAUTHENTICATED', 'the AWS credentials have expired. Renew them'];
export const NO_CREDENTIALS: ErrorRow = [
  'UNAUTHENTICATED',
  'no AWS credentials were found. Give the process a role, a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
];
export const SOURCE_UNAVAILABLE: ErrorRow = [
  'UNAVAILABLE',
  'the source of the AWS credentials (the container endpoint, the metadata service of the machine, a token file, a profile) could not be reached or did not give any. It may succeed later',
];
export const SSO_EXPIRED: ErrorRow = [
  'UNAUTHENTICATED',
  'the SSO session of the AWS profile has expired or is missing. Run `aws sso login` (or `aws login`, which made some profiles) with that profile',
];
export const REFUSED_CREDENTIALS: ErrorRow = [
  'UNAUTHENTICATED',
  'AWS refused to give credentials for the role of the application. Check the role, its trust policy and the identity token',
];
const UNKNOWN_CREDENTIALS: ErrorRow = [
  'UNAUTHENTICATED',
  'AWS did not accept the credentials. Check key, session token and region',
];
const UNUSABLE_CREDENTIALS: ErrorRow = [
  'UNAUTHENTICATED',
  'the function `credentials` gave no keys, or some with a character that no header can hold. Check that function',
];
const CLOCK: ErrorRow = [
  'UNAUTHENTICATED',
  'the signature has the wrong time. Check the clock of this machine',
];
const THROTTLED: ErrorRow = ['THROTTLED', 'AWS asks for fewer calls. It may succeed later'];
const UNAVAILABLE: ErrorRow = ['UNAVAILABLE', 'AWS could not answer. It may succeed later'];
const TIMEOUT: ErrorRow = ['TIMEOUT', 'AWS did not get the request in time. It may succeed later'];
const INSECURE: ErrorRow = [
  'MISCONFIGURED',
  'the endpoint is not https:, and everybody on the way would read the secrets; nothing was sent. Check `endpoint`, AWS_ENDPOINT_URL and the profile, or set `allowInsecureHttp` for an emulator',
];
const NO_ENDPOINT: ErrorRow = [
  'MISCONFIGURED',
  'an address that is configured is not a URL. Check `endpoint`, AWS_ENDPOINT_URL, AWS_CONTAINER_CREDENTIALS_FULL_URI and the profile',
];
const TOO_LARGE: ErrorRow = [
  'MALFORMED',
  'the answer is larger than 8 MiB, which no answer of {service} is. Check the endpoint',
];

/** The errors by the names that every service and the layers in front of it use. */
const BY_NAME: Readonly<Record<string, ErrorRow>> = {
  AccessDenied: DENIED,
  AccessDeniedException: DENIED,
  NotAuthorized: DENIED,
  OptInRequired: DENIED,
  UnauthorizedOperation: DENIED,

  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  CredentialsProviderError: NO_CREDENTIALS,
  IDPCommunicationError: SOURCE_UNAVAILABLE,
  IDPCommunicationErrorException: SOURCE_UNAVAILABLE,
  TokenProviderError: NO_CREDENTIALS,
  AuthFailure: UNKNOWN_CREDENTIALS,
  IncompleteSignature: UNKNOWN_CREDENTIALS,
  IncompleteSignatureException: UNKNOWN_CREDENTIALS,
  InvalidAccessKeyId: UNKNOWN_CREDENTIALS,
  InvalidClientTokenId: UNKNOWN_CREDENTIALS,
  InvalidSignatureException: UNKNOWN_CREDENTIALS,
  MissingAuthenticationToken: UNKNOWN_CREDENTIALS,
  MissingAuthenticationTokenException: UNKNOWN_CREDENTIALS,
  SignatureDoesNotMatch: UNKNOWN_CREDENTIALS,
  UnrecognizedClientException: UNKNOWN_CREDENTIALS,
  UnusableCredentials: UNUSABLE_CREDENTIALS,
  RequestExpired: CLOCK,
  RequestInTheFuture: CLOCK,
  RequestTimeTooSkewed: CLOCK,

  BandwidthLimitExceeded: THROTTLED,
  PriorRequestNotComplete: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  RequestThrottled: THROTTLED,
  RequestThrottledException: THROTTLED,
  SlowDown: THROTTLED,
  Throttling: THROTTLED,
  ThrottledException: THROTTLED,
  ThrottlingException: THROTTLED,
  TooManyRequestsException: THROTTLED,

  InternalFailure: UNAVAILABLE,
  InternalServerError: UNAVAILABLE,
  InternalServiceError: UNAVAILABLE,
  ServiceUnavailable: UNAVAILABLE,
  ServiceUnavailableException: UNAVAILABLE,
  RequestTimeout: TIMEOUT,
  RequestTimeoutException: TIMEOUT,

  AnswerTooLarge: TOO_LARGE,
  EndpointError: NO_ENDPOINT,
  InsecureEndpoint: INSECURE,
};

const CLOCK_WORDS = [/signature expired|not yet current/i, CLOCK] as const;

/** The errors that AWS reports only as text. The text decides and goes no further. */
const BY_WORDS: Readonly<Record<string, WordRows>> = {
  InvalidSignatureException: [CLOCK_WORDS],
  SignatureDoesNotMatch: [CLOCK_WORDS],
};

/** Returns the row for an AWS error name and its text, or `undefined` if none matches. */
export function errorRow(
  { rows, rowsByWords = {} }: ServiceRows,
  awsName: string,
  text: string,
): ErrorRow | undefined {
  const byWords = own(rowsByWords, awsName) ?? own(BY_WORDS, awsName) ?? [];
  const said = byWords.find(([words]) => words.test(text));
  return said?.[1] ?? own(rows, awsName) ?? own(BY_NAME, awsName);
}

function own<Row>(table: Readonly<Record<string, Row>>, name: string): Row | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
