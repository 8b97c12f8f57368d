import type { SecretManagerErrorCode } from '../../../core/errors/secret-manager.error';

/** The code and the text of an error: the cause and the remedy. `{action}` stands for the API call. */
export type ErrorRow = readonly [code: SecretManagerErrorCode, meaning: string];

const ABSENT: ErrorRow = [
  'NOT_FOUND',
  'AWS has no such secret, or none in this region and account',
];
const EXISTS: ErrorRow = ['CONFLICT', 'the secret exists already'];
const DENIED: ErrorRow = [
  'ACCESS_DENIED',
  'AWS refused access. Allow the role of the application secretsmanager:{action}, and the use of the KMS key where the secret has one of its own',
];
const KEY_REFUSED: ErrorRow = [
  'ACCESS_DENIED',
  'the KMS key of the secret could not be used. Check that it is enabled and that the role of the application may use it',
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
const CLOCK: ErrorRow = [
  'UNAUTHENTICATED',
  'the signature has the wrong time. Check the clock of this machine',
];
const THROTTLED: ErrorRow = ['THROTTLED', 'AWS asks for fewer calls. It may succeed later'];
const UNAVAILABLE: ErrorRow = ['UNAVAILABLE', 'AWS could not answer. It may succeed later'];
const TIMEOUT: ErrorRow = ['TIMEOUT', 'AWS did not get the request in time. It may succeed later'];
const WRONG: ErrorRow = [
  'INVALID_ARGUMENT',
  'AWS refused the request as wrong. A name has ASCII letters, digits and /_+=.@-, a value at most 65 536 bytes, and the version that was asked for must have the stage',
];
export const PENDING_DELETION: ErrorRow = [
  'INVALID_ARGUMENT',
  'the secret is pending deletion. Write it, or restore it, to have it back',
];
const HAS_COPIES: ErrorRow = [
  'INVALID_ARGUMENT',
  'the secret has copies in other regions. Remove them first, or give the manager these `replicaRegions`',
];
const IS_COPY: ErrorRow = [
  'INVALID_ARGUMENT',
  'the secret is a copy from another region. Write and delete it there',
];
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
  'the answer is larger than 8 MiB, which no answer of Secrets Manager is. Check the endpoint',
];
const LIMIT: ErrorRow = [
  'INVALID_ARGUMENT',
  'a quota of Secrets Manager is used up. Remove secrets or versions, or ask AWS for a higher one',
];

/** The errors by the names that Secrets Manager and the layers in front of it use. */
const BY_NAME: Readonly<Record<string, ErrorRow>> = {
  ResourceNotFoundException: ABSENT,
  ResourceExistsException: EXISTS,

  AccessDenied: DENIED,
  AccessDeniedException: DENIED,
  NotAuthorized: DENIED,
  OptInRequired: DENIED,
  UnauthorizedOperation: DENIED,
  DecryptionFailure: KEY_REFUSED,
  EncryptionFailure: KEY_REFUSED,

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

  LimitExceededException: LIMIT,
  InvalidParameterException: WRONG,
  InvalidParameterValue: WRONG,
  InvalidRequestException: WRONG,
  ValidationException: WRONG,
};

const CLOCK_WORDS = [/signature expired|not yet current/i, CLOCK] as const;

/** The errors that AWS reports only as text. The text decides and goes no further. */
const BY_WORDS: Readonly<Record<string, readonly (readonly [words: RegExp, row: ErrorRow])[]>> = {
  InvalidParameterException: [
    [/still has replica/i, HAS_COPIES],
    [/on a replica/i, IS_COPY],
  ],
  InvalidRequestException: [
    [/marked for deletion|marked deleted|scheduled for deletion/i, PENDING_DELETION],
  ],
  InvalidSignatureException: [CLOCK_WORDS],
  SignatureDoesNotMatch: [CLOCK_WORDS],
};

/** Returns the row for an AWS error name and its text, or `undefined` if none matches. */
export function errorRow(awsName: string, text: string): ErrorRow | undefined {
  if (!Object.hasOwn(BY_NAME, awsName)) return undefined;
  const said = BY_WORDS[awsName]?.find(([words]) => words.test(text));
  return said ? said[1] : BY_NAME[awsName];
}
