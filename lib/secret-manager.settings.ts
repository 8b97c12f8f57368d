import { ValidateBy, validateSync } from 'class-validator';
import { kindOf, quoteName } from './core/errors/wording';
import { oneOf } from './core/validation/option-rules';
import { canonicalSecretName, configuredNameProblem } from './core/validation/secret-name';

export const ACCESS_MODES = ['read_only', 'write_only', 'read_and_write'] as const;

export type AccessMode = (typeof ACCESS_MODES)[number];

/**
 * The part of the store that an application may use, and the kind of use. The names are LiteLLM's, in camel
 * case.
 */
export class KeyManagementSettings {
  /** The permitted access to the manager. Under `write_only` reads ask only the environment. */
  @RejectIf(oneOf(ACCESS_MODES))
  accessMode: AccessMode = 'read_only';

  /**
   * The names for which the manager is asked. Every other name is looked up in the environment alone. Unset:
   * all names. Empty: none.
   */
  @RejectIf(optional(hostedKeysProblem))
  hostedKeys?: string[];

  /** Permits storing and reading virtual keys below {@link prefixForStoredVirtualKeys}. */
  @RejectIf(flagProblem)
  storeVirtualKeys: boolean = false;

  /** The prefix of stored virtual keys. A missing slash at the end is added. */
  @RejectIf(prefixProblem)
  prefixForStoredVirtualKeys: string = 'litellm/';

  /** The description of every written secret for which the call gives none. */
  @RejectIf(optional(descriptionProblem))
  description?: string;

  /** The tags of every written secret. A tag of the call takes precedence. */
  @RejectIf(optional(tagsProblem))
  tags?: Record<string, string>;

  /** The one secret that holds the application's secrets by name, as a JSON object. */
  @RejectIf(optional(configuredNameProblem))
  primarySecretName?: string;
}

/** Returns every problem of given settings. Each is a sentence that names the field and holds no value. */
export function settingsProblems(given: unknown): string[] {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [`settings must be an object, and is ${kindOf(given)}`];
  }
  const candidate = Object.assign(new KeyManagementSettings(), omitUndefined(given));
  const errors = validateSync(candidate, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
  });
  return errors.map(
    ({ property, constraints = {} }) =>
      `settings.${'whitelistValidation' in constraints ? unknownField(property) : Object.values(constraints).join(', ')}`,
  );
}

/** Returns valid settings with their defaults. Names and prefix are in their canonical form. */
export function resolveSettings(
  given: Partial<KeyManagementSettings> = {},
): Readonly<KeyManagementSettings> {
  const settings = Object.assign(new KeyManagementSettings(), omitNullish(given));
  const { hostedKeys, primarySecretName, prefixForStoredVirtualKeys: prefix } = settings;
  settings.prefixForStoredVirtualKeys = prefix.endsWith('/') ? prefix : `${prefix}/`;
  if (hostedKeys) settings.hostedKeys = hostedKeys.map(canonicalSecretName);
  if (primarySecretName) settings.primarySecretName = canonicalSecretName(primarySecretName);
  return Object.freeze(settings);
}

function unknownField(property: string): string {
  const meant = Object.keys(FIELDS).find((field) => normalize(field) === normalize(property));
  return `${quoteName(property)} is not a setting; ${meant ? `did you mean ${meant}?` : `there are ${Object.keys(FIELDS).join(', ')}`}`;
}

/** Returns a field's name in one spelling. `Access_Mode` and `accessMode` are the same to a user of LiteLLM. */
function normalize(field: string): string {
  return field.replaceAll('_', '').toLowerCase();
}

const FIELDS: Readonly<Record<keyof KeyManagementSettings, true>> = {
  accessMode: true,
  hostedKeys: true,
  storeVirtualKeys: true,
  prefixForStoredVirtualKeys: true,
  description: true,
  tags: true,
  primarySecretName: true,
};

/** Returns the fields that have a value. A permitted `null` means that no value is given. */
function omitNullish(given: object): object {
  const values = Object.entries(omitUndefined(given));
  return Object.fromEntries(values.filter(([, value]) => value !== null));
}

function omitUndefined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function flagProblem(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'must be true or false';
}

function descriptionProblem(value: unknown): string | undefined {
  return typeof value === 'string' ? undefined : 'must be a string';
}

function hostedKeysProblem(value: unknown): string | undefined {
  if (!Array.isArray(value)) {
    return `must be a list of names, and is ${kindOf(value)}; split what comes from an environment variable: value.split(',')`;
  }
  const problems = value.flatMap((name: unknown, index) => {
    const problem = configuredNameProblem(name);
    return problem === undefined ? [] : [`[${index}] ${problem}`];
  });
  return problems.length === 0 ? undefined : problems.join(', ');
}

function prefixProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return `must be a string, and is ${kindOf(value)}`;
  const problem = configuredNameProblem(value.endsWith('/') ? value.slice(0, -1) : value, value);
  return problem && `${problem}; it is what stands before the slash, as in "litellm/"`;
}

function tagsProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `must be an object of strings, and is ${kindOf(value)}`;
  }
  const wrong = Object.entries(value).find(([, tag]) => typeof tag !== 'string');
  return wrong && `must be an object of strings, and ${quoteName(wrong[0])} is ${kindOf(wrong[1])}`;
}

type ProblemOf = (value: unknown) => string | undefined;

function optional(problemOf: ProblemOf): ProblemOf {
  return (value) => (value === undefined || value === null ? undefined : problemOf(value));
}

/**
 * Validates a field with `problemOf`, whose result follows the field's name in the message. One decorator
 * serves all fields, because each registered one costs import time.
 */
function RejectIf(problemOf: ProblemOf): PropertyDecorator {
  return ValidateBy({
    name: 'hasNoProblem',
    validator: {
      validate: (value) => problemOf(value) === undefined,
      defaultMessage: (args) => `${args?.property} ${problemOf(args?.value)}`,
    },
  });
}
