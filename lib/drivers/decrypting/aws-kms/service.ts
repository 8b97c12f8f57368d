import type { AwsService } from '../../aws/aws-service';
import type { ErrorRow } from '../../aws/error-rows';

const CIPHERTEXT: ErrorRow = [
  'MALFORMED',
  'the value is no ciphertext of this key, or it was encrypted with another `encryptionContext`',
];
const OTHER_KEY: ErrorRow = ['MALFORMED', 'the value was encrypted with another key than `keyId`'];
const MISSING: ErrorRow = [
  'MISCONFIGURED',
  'AWS has no such key in this account and region. Check `keyId` and `region`',
];
const DISABLED: ErrorRow = ['MISCONFIGURED', 'the key is disabled. Enable it, or check `keyId`'];
const STATE: ErrorRow = [
  'MISCONFIGURED',
  'the state of the key forbids it: it is being deleted, or has no key material. Check the key',
];
const USAGE: ErrorRow = [
  'MISCONFIGURED',
  'the key is for something else than encryption. Check `keyId`',
];
const WRONG: ErrorRow = [
  'MISCONFIGURED',
  'AWS refused the request as wrong. Check `keyId` and `encryptionContext`',
];
const DOWN: ErrorRow = ['UNAVAILABLE', 'AWS KMS could not use the key now. It may succeed later'];
const DENIED: ErrorRow = [
  'ACCESS_DENIED',
  'AWS refused access. Allow the role of the application {right} on the key, in its key policy, too',
];

/** AWS KMS, with the errors that only it has. */
export const KMS: AwsService = {
  name: 'KMS',
  managerClass: 'awsKms',
  rightsPrefix: 'kms',
  endpointVariable: 'AWS_ENDPOINT_URL_KMS',
  rows: {
    AccessDeniedException: DENIED,
    InvalidCiphertextException: CIPHERTEXT,
    IncorrectKeyException: OTHER_KEY,

    DisabledException: DISABLED,
    InvalidArnException: MISSING,
    InvalidKeyUsageException: USAGE,
    KMSInvalidStateException: STATE,
    NotFoundException: MISSING,
    UnsupportedOperationException: USAGE,
    ValidationException: WRONG,

    DependencyTimeoutException: DOWN,
    KMSInternalException: DOWN,
    KeyUnavailableException: DOWN,
    LimitExceededException: ['THROTTLED', 'AWS asks for fewer calls. It may succeed later'],
  },
};
