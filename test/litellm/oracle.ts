import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fault of the manager in the rules of LiteLLM. */
export interface Behaviour {
  readonly error?: string;
  readonly message?: string;
  readonly responseText?: string;
  readonly onName?: string;
  readonly returns?: object;
}

export interface Args {
  readonly name?: string;
  readonly value?: string | null;
  readonly defaultValue?: string | boolean;
  readonly current?: string;
  readonly new?: string;
  readonly newValue?: string;
  readonly optionalParams?: Record<string, unknown>;
  readonly timeout?: number;
  readonly raw?: Record<string, unknown>;
  readonly config?: unknown;
  readonly times?: number;
  readonly calls?: readonly Call[];
  readonly keyManagementSystem?: string;
  readonly keyName?: string;
  readonly alias?: string;
  readonly tokenId?: string;
  readonly key?: string;
  readonly oldAlias?: string | null;
  readonly oldToken?: string;
  readonly newAlias?: string;
  readonly newAliasInResponse?: string | null;
  readonly keys?: readonly { readonly alias?: string; readonly token: string }[];
}

export interface Call {
  readonly fn: string;
  readonly args: Args;
}

export interface Expectation {
  readonly value?: unknown;
  readonly error?: string | { readonly type: string };
  readonly managerCalled?: boolean;
  readonly managerReads?: number;
  readonly storeAfter?: Record<string, string>;
  readonly logsMustNotContain?: readonly string[];
  readonly messageMustNotContain?: readonly string[];
}

export interface Case {
  readonly id: string;
  readonly group: string;
  readonly given: {
    readonly settings: Record<string, unknown> | null;
    readonly system: string | null;
    readonly client: string | null;
    readonly managerSecrets: Record<string, unknown>;
    readonly env: Record<string, string>;
    readonly managerBehaviour: Readonly<
      Record<'syncRead' | 'write' | 'delete', Behaviour | undefined>
    >;
  };
  readonly call: Call;
  readonly expect: Expectation;
  readonly sane?: Expectation;
}

export const CASES = JSON.parse(
  readFileSync(join(__dirname, 'litellm-cases.json'), 'utf8'),
) as readonly Case[];

/** Our codes for the failures of LiteLLM and of its careful twin. */
export const CODE_OF: Readonly<Record<string, SecretManagerErrorCode>> = {
  CancelledError: 'CANCELLED',
  ConfigurationError: 'MISCONFIGURED',
  FileNotFoundError: 'MISCONFIGURED',
  NotImplementedError: 'UNSUPPORTED',
  TypeError: 'MISCONFIGURED',
  ValidationError: 'MISCONFIGURED',
  SecretManagerAccessDenied: 'ACCESS_DENIED',
  SecretManagerTimeout: 'TIMEOUT',
  SecretManagerUnavailable: 'UNAVAILABLE',
  SecretNotFound: 'NOT_FOUND',
  SecretTypeMismatch: 'MALFORMED',
  UnsafeSecretName: 'INVALID_ARGUMENT',
  AccessModeViolation: 'NOT_PERMITTED',
  AggregateDeleteError: 'THROTTLED',
  SecretAlreadyExists: 'CONFLICT',
  VirtualKeyStoreFailed: 'UNKNOWN',
  RotationRetirementFailed: 'ROTATION_INCOMPLETE',
  RotationVerificationFailed: 'ROTATION_INCOMPLETE',
};

const noResolver =
  'there is no resolver of configurations; a required name that is missing is an error (as Q.05)';

/** The cases that are not run, each with its reason. */
export const DIFFERS: Readonly<Record<string, string>> = {
  'B.16-should-read-no-settings':
    'settings that are null do not start (B.04); absent ones are the defaults',
  'L.14-azure-silent': 'there is no client that is no CustomSecretManager',
  'N.22-load-no-config': 'no configuration file names the class: Nest imports it',
  'N.23-load-no-settings': 'settings have defaults; the class is not a part of them',
  'Q.13-warn-missing': noResolver,
  'Q.14-no-warn-outside-hosted': noResolver,
};

/** The cases that the semantics of this library decide in another way than the oracle. */
export const SETTLED: Readonly<Record<string, { expect: Expectation; because: string }>> = {
  'B.10-system-local': {
    expect: { value: 'sk-from-env', managerCalled: false },
    because: 'there is no second switch; "local" is hostedKeys: []',
  },
  'D.07-secret-in-exception': {
    expect: {
      error: 'SecretManagerAccessDenied',
      logsMustNotContain: ['hvs.SUPERSECRET', 'sk-from-env'],
    },
    because: 'E3: a status decides the code',
  },
  'F.04-bool': { expect: { value: true }, because: 'L6 accepts yes' },
  'F.05-bool': { expect: { value: true }, because: 'L6 accepts 1' },
  'F.14-strToBool': { expect: { value: true }, because: 'L6 accepts yes' },
  'F.16-strToBool': {
    expect: { error: 'SecretTypeMismatch' },
    because: 'L6: anything else is MALFORMED',
  },
  'L.02-name-no-slash': {
    expect: { value: 'litellm-/alice' },
    because: 'V1: a missing slash is added',
  },
  'L.04-name-nested': {
    expect: { error: 'UnsafeSecretName' },
    because: 'V2: an alias holds no slash, or it could lie in the place of another prefix',
  },
  'L.05-store-off': {
    expect: { error: 'AccessModeViolation', managerCalled: false, storeAfter: {} },
    because: 'V1: storeVirtualKeys is what permits it, and nothing is ignored in silence',
  },
  'L.13-write-unsupported': {
    expect: { error: 'NotImplementedError', managerCalled: false },
    because: 'W4: what a manager lacks is known before it is asked',
  },
  'L.22-rotate-never-stored': {
    expect: { error: 'SecretNotFound', storeAfter: {} },
    because: 'V4: a key that was never stored is NOT_FOUND',
  },
  'M.02-old-missing': {
    expect: { error: 'SecretNotFound', storeAfter: {} },
    because: 'W5: NOT_FOUND',
  },
  'M.08-http-error': {
    expect: {
      error: 'RotationVerificationFailed',
      storeAfter: { a: 'v1' },
      messageMustNotContain: ['v2'],
    },
    because: 'W5: a step that fails is ROTATION_INCOMPLETE',
  },
  ...Object.fromEntries(
    ['N.07', 'N.08', 'N.10', 'N.11'].map((number) => [
      `${number}-safe-name`,
      {
        expect: { error: 'UnsafeSecretName' },
        because: 'N1: INVALID_ARGUMENT for what Python calls ValueError',
      },
    ]),
  ),
  'M.13-unsupported-manager': {
    expect: { error: 'NotImplementedError', managerCalled: false, storeAfter: { a: 'v1' } },
    because: 'W4: what a manager lacks is known before it is asked',
  },
  'Q.16-unknown-system': {
    expect: { error: 'ConfigurationError' },
    because: 'a store is a class, not a word',
  },
};
