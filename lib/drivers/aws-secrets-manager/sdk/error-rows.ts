import type { ErrorRow, ServiceRows } from '../../aws/error-rows';

const ABSENT: ErrorRow = [
  'NOT_FOUND',
  'AWS has no such secret, or none in this region and account',
];
const EXISTS: ErrorRow = ['CONFLICT', 'the secret exists already'];
const KEY_REFUSED: ErrorRow = [
  'ACCESS_DENIED',
  'the KMS key of the secret could not be used. Check that it is enabled and that the role of the application may use it',
];
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
const LIMIT: ErrorRow = [
  'INVALID_ARGUMENT',
  'a quota of Secrets Manager is used up. Remove secrets or versions, or ask AWS for a higher one',
];

/** The errors that only Secrets Manager has, by name. */
const rows: ServiceRows['rows'] = {
  ResourceNotFoundException: ABSENT,
  ResourceExistsException: EXISTS,

  DecryptionFailure: KEY_REFUSED,
  EncryptionFailure: KEY_REFUSED,

  LimitExceededException: LIMIT,
  InvalidParameterException: WRONG,
  InvalidParameterValue: WRONG,
  InvalidRequestException: WRONG,
  ValidationException: WRONG,
};

/** The errors that Secrets Manager reports only as text. The text decides and goes no further. */
const rowsByWords: ServiceRows['rowsByWords'] = {
  InvalidParameterException: [
    [/still has replica/i, HAS_COPIES],
    [/on a replica/i, IS_COPY],
  ],
  InvalidRequestException: [
    [/marked for deletion|marked deleted|scheduled for deletion/i, PENDING_DELETION],
  ],
};

export const ERROR_ROWS: ServiceRows = { rows, rowsByWords };
