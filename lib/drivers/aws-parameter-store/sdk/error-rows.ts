import type { ErrorRow, ServiceRows } from '../../aws/error-rows';

const ABSENT: ErrorRow = [
  'NOT_FOUND',
  'AWS has no such parameter, or none in this region and account',
];
const VERSION_ABSENT: ErrorRow = [
  'NOT_FOUND',
  'the parameter has no such version or label. AWS keeps the newest 100 versions',
];
const EXISTS: ErrorRow = ['CONFLICT', 'the parameter exists already'];
const KEY: ErrorRow = [
  'MISCONFIGURED',
  'the KMS key of the parameter is missing, disabled or pending deletion. Check `kmsKeyId`, or the key of an existing parameter',
];
const BUSY: ErrorRow = [
  'THROTTLED',
  'AWS is still carrying out another update of the parameter. It may succeed later',
];
const OTHER_TYPE: ErrorRow = [
  'INVALID_ARGUMENT',
  'the parameter exists with another type, which AWS does not change. Delete it first',
];
const LEVELS: ErrorRow = [
  'INVALID_ARGUMENT',
  'the name has more than the 15 levels that AWS allows',
];
const PATTERN: ErrorRow = [
  'INVALID_ARGUMENT',
  'AWS does not allow the name, or the value does not fit the `AllowedPattern` of the parameter',
];
const TYPE: ErrorRow = ['INVALID_ARGUMENT', 'the parameter has a type that AWS does not support'];
const POLICY: ErrorRow = [
  'INVALID_ARGUMENT',
  'the policies of the parameter do not allow the write. Check them in Parameter Store',
];
const FULL: ErrorRow = [
  'INVALID_ARGUMENT',
  'the account has as many parameters as its quota allows. Delete some, or use the advanced tier',
];
const VERSIONS: ErrorRow = [
  'INVALID_ARGUMENT',
  'the parameter has 100 versions, and the oldest has a label, so that AWS cannot drop it. Move the label to a newer version',
];
const TAGS: ErrorRow = ['INVALID_ARGUMENT', 'the parameter would have more tags than AWS allows'];
const WRONG: ErrorRow = [
  'INVALID_ARGUMENT',
  'AWS refused the request as wrong. A name has ASCII letters, digits and _ . - /, and begins with neither aws nor ssm. A value has at most 4 096 bytes, in the advanced tier 8 192, and no {{ }}',
];

/** The errors that only Parameter Store has, by name. */
const rows: ServiceRows['rows'] = {
  InvalidResourceId: ABSENT, // of tags
  ParameterNotFound: ABSENT,
  ParameterVersionNotFound: VERSION_ABSENT,
  ParameterAlreadyExists: EXISTS,

  InvalidKeyId: KEY,
  TooManyUpdates: BUSY,

  HierarchyLevelLimitExceededException: LEVELS,
  HierarchyTypeMismatchException: OTHER_TYPE,
  IncompatiblePolicyException: POLICY,
  InvalidAllowedPatternException: PATTERN,
  InvalidFilterKey: WRONG,
  InvalidFilterOption: WRONG,
  InvalidFilterValue: WRONG,
  InvalidNextToken: WRONG,
  InvalidPolicyAttributeException: POLICY,
  InvalidPolicyTypeException: POLICY,
  InvalidResourceType: WRONG,
  ParameterLimitExceeded: FULL,
  ParameterMaxVersionLimitExceeded: VERSIONS,
  ParameterPatternMismatchException: PATTERN,
  PoliciesLimitExceededException: POLICY,
  TooManyTagsError: TAGS,
  UnsupportedParameterType: TYPE,
  ValidationException: WRONG,
};

export const ERROR_ROWS: ServiceRows = { rows };
