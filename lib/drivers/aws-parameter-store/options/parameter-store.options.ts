import type { SSMClient, SSMClientConfig } from '@aws-sdk/client-ssm';
import { attempt, read } from '../../../core/errors/safe-access';
import { kindOf } from '../../../core/errors/wording';
import {
  flag,
  must,
  oneOf,
  optional,
  ruleProblems,
  text,
} from '../../../core/validation/option-rules';
import type { AwsConnection } from '../../aws/connection/connection';
import { pathPrefixProblem } from './parameter-names';

/** The tiers of Parameter Store. A value of more than 4 096 bytes needs `Advanced`, which costs money. */
export type ParameterTier = 'Standard' | 'Advanced' | 'Intelligent-Tiering';

const TIERS: readonly ParameterTier[] = ['Standard', 'Advanced', 'Intelligent-Tiering'];

/** The options of {@link AwsParameterStoreSecretManager}. All are optional. */
export interface AwsParameterStoreSecretManagerOptions extends AwsConnection<
  SSMClientConfig['credentials']
> {
  /**
   * A client of the application, which is not destroyed with the manager. Build it with `maxAttempts: 1`: its
   * retries multiply with those of the library. A client with more attempts causes a warning at the start.
   */
  readonly client?: SSMClient;
  /** The KMS key of new parameters. An overwritten one keeps its own. Default: the account's key, `alias/aws/ssm`. */
  readonly kmsKeyId?: string;
  /** The path of every parameter, as `/payments/production`. Default: none. */
  readonly pathPrefix?: string;
  /** The tier of new parameters. An advanced one stays advanced. Default: the tier that the account has set. */
  readonly tier?: ParameterTier;
  /**
   * Starts the worker for synchronous reads together with the manager, so that the first read need not wait.
   * Default: `false`, which starts the worker at the first synchronous read.
   */
  readonly startsSyncReads?: boolean;
}

const nonEmptyText = must(
  'be a string that is not empty',
  (value) => typeof value === 'string' && value !== '',
);

const RULES = optional({
  client: must('be an SSMClient', (value) => typeof read(value, 'send') === 'function'),
  region: nonEmptyText,
  endpoint: text,
  credentials: must(
    'have `accessKeyId` and `secretAccessKey`, or be a function',
    (value) => typeof value === 'function' || isIdentity(value),
  ),
  kmsKeyId: nonEmptyText,
  pathPrefix: (value) =>
    typeof value === 'string'
      ? pathPrefixProblem(value)
      : `must be a string, and is ${kindOf(value)}`,
  tier: oneOf(TIERS),
  allowInsecureHttp: flag,
  startsSyncReads: flag,
});

/** Returns every problem of the options as a sentence. The endpoint is checked elsewhere. */
export function optionProblems(options: object): string[] {
  return ruleProblems(options, RULES).map((problem) => `${problem}.`);
}

function isIdentity(value: unknown): boolean {
  return ['accessKeyId', 'secretAccessKey'].every((field) => {
    const part = attempt(() => read(value, field));
    return typeof part === 'string' && part !== '';
  });
}
