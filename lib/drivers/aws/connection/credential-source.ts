import { readFileSync } from 'node:fs';
import { read } from '../../../core/errors/safe-access';
import {
  NO_CREDENTIALS,
  REFUSED_CREDENTIALS,
  SOURCE_UNAVAILABLE,
  SSO_EXPIRED,
  type ErrorRow,
} from '../error-rows';

/** The environment variables that name a source of credentials. Each source can be unavailable for a moment. */
const SOURCES = [
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
];

/** The file in which Linux names the vendor of the machine. An EC2 instance has a metadata service. */
const VENDOR_FILE = '/sys/devices/virtual/dmi/id/sys_vendor';

/** The failures that the providers of the SDK report only as text. The text decides and goes no further. */
const BY_WORDS: readonly (readonly [words: RegExp, row: ErrorRow])[] = [
  [/\bsso session\b|\baws login\b|session has expired|UnauthorizedException/i, SSO_EXPIRED],
  [/\b(ECONN|EHOST|ENET|EAI_|EPIPE|ETIMEDOUT|ENOTFOUND)/, SOURCE_UNAVAILABLE],
  [/timeout|socket hang up|TooManyRequests/i, SOURCE_UNAVAILABLE],
];

const PROVIDER_ERROR = /^(Credentials|Token)?ProviderError$|^InstanceMetadataV1FallbackError$/;
/** The errors of a provider for a broken answer, or for a file that is missing for a moment. */
const BROKEN_SOURCE = /^(SyntaxError|ENOENT|EACCES|EISDIR|ENOTDIR)$/;

/** The errors of a busy STS or SSO portal, which come with status 400. */
const BUSY = /^(IDPCommunicationError|Throttl|TooManyRequests|RequestLimitExceeded)/;

/** Tells an unavailable source of AWS credentials from a missing one. */
export class CredentialSource {
  #hasWorked = false;

  /** Records that a request was signed, so a source exists. */
  recordSuccess(): void {
    this.#hasWorked = true;
  }

  /**
   * Returns the row for an error before a request was sent, or `undefined` if the error does not concern
   * credentials.
   */
  explain(thrown: unknown): ErrorRow | undefined {
    const name = String(read(thrown, 'name'));
    if (PROVIDER_ERROR.test(name)) {
      const text = String(read(thrown, 'message'));
      return BY_WORDS.find(([words]) => words.test(text))?.[1] ?? this.unavailableOrMissing();
    }
    if (BROKEN_SOURCE.test(name) || BROKEN_SOURCE.test(String(read(thrown, 'code')))) {
      return this.unavailableOrMissing();
    }
    if (this.#hasWorked && name === 'Error' && read(thrown, 'code') === undefined) {
      return SOURCE_UNAVAILABLE; // thrown by a function of the application
    }
    const status = read(read(thrown, '$metadata'), 'httpStatusCode');
    return isRefusal(status) && !BUSY.test(name) ? REFUSED_CREDENTIALS : undefined;
  }

  private unavailableOrMissing(): ErrorRow {
    return this.#hasWorked || isSourceNamed() ? SOURCE_UNAVAILABLE : NO_CREDENTIALS;
  }
}

/** Returns whether STS or the SSO portal refused the credentials. A busy service is no refusal. */
function isRefusal(status: unknown): boolean {
  return (
    typeof status === 'number' && status >= 400 && status < 500 && ![408, 429].includes(status)
  );
}

function isSourceNamed(): boolean {
  return SOURCES.some((variable) => process.env[variable]) || hasMetadataService();
}

function hasMetadataService(): boolean {
  const { AWS_EC2_METADATA_DISABLED: disabled = 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT } =
    process.env;
  if (disabled !== '' && disabled !== 'false') return false;
  return Boolean(AWS_EC2_METADATA_SERVICE_ENDPOINT) || isEc2();
}

function isEc2(): boolean {
  try {
    return readFileSync(VENDOR_FILE, 'utf8').startsWith('Amazon EC2');
  } catch {
    return false; // the machine names no vendor
  }
}
