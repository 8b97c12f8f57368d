import { attempt, read } from '../../../core/errors/safe-access';
import {
  flag,
  isRecord,
  must,
  optional,
  ruleProblems,
  text,
} from '../../../core/validation/option-rules';
import type { AwsClient, AwsConnection } from '../../aws/connection/connection';

/** Keys of AWS, or a function that gives them. */
export type AwsKmsCredentials =
  | {
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    }
  | (() => Promise<object>);

/** A `KMSClient` of `@aws-sdk/client-kms`. The type names no package, because other ciphers need none. */
export interface AwsKmsClient extends AwsClient {
  send(...call: never[]): unknown;
}

export interface AwsKmsOptions extends AwsConnection<AwsKmsCredentials> {
  /**
   * The ID, the ARN or the alias of the key, as `alias/app`. It goes with every decryption: without it AWS would decrypt
   * with any key that the role may use.
   */
  readonly keyId: string;
  /** The context that a ciphertext is bound to. Others cannot be decrypted. Default: none. */
  readonly encryptionContext?: Readonly<Record<string, string>>;
  /** A client of the application, which is not destroyed with the manager. Build it with `maxAttempts: 1`. */
  readonly client?: AwsKmsClient;
  /**
   * Starts the worker for synchronous reads together with the manager, so that the first read need not wait.
   * Default: `false`, which starts the worker at the first synchronous read.
   */
  readonly startsSyncReads?: boolean;
}

const KEY_ID = /^[\w:/-]{1,2048}$/;

const RULES = {
  keyId: must(
    'be the ID, the ARN or the alias of a key, as "alias/app"',
    (value) => typeof value === 'string' && KEY_ID.test(value),
  ),
  ...optional({
    encryptionContext: must(
      'be an object whose values are strings',
      (value) => isRecord(value) && Object.values(value).every((part) => typeof part === 'string'),
    ),
    client: must('be a KMSClient', (value) => typeof read(value, 'send') === 'function'),
    region: text,
    endpoint: text,
    credentials: must(
      'have `accessKeyId` and `secretAccessKey`, or be a function',
      (value) => typeof value === 'function' || isIdentity(value),
    ),
    allowInsecureHttp: flag,
    startsSyncReads: flag,
  }),
};

/** Returns every problem of the options as a sentence. The endpoint is checked elsewhere. */
export function optionProblems(options: object): string[] {
  return ruleProblems(options, RULES).map((problem) => `awsKms: ${problem}.`);
}

function isIdentity(value: unknown): boolean {
  return ['accessKeyId', 'secretAccessKey'].every((field) => {
    const part = attempt(() => read(value, field));
    return typeof part === 'string' && part !== '';
  });
}
