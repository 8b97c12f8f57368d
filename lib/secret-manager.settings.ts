import { ValidateBy, validateSync } from 'class-validator';
import { kindOf, quoteName } from './core/errors/wording';
import { canonicalSecretName, configuredNameProblem } from './core/validation/secret-name';

export const ACCESS_MODES = ['read_only', 'write_only', 'read_and_write'] as const;

export type AccessMode = (typeof ACCESS_MODES)[number];

/** What of the store an application may use, and how. The names are LiteLLM's, in camel case. */
export class KeyManagementSettings {
  /** What the manager may be used for. Reading is off under `write_only`: then the environment alone is asked. */
  @HasNo(accessModeProblem)
  accessMode: AccessMode = 'read_only';

  /**
   * The names that the manager is asked for; every other name is looked up in the environment alone. Unset: all names.
   * Empty: none.
   */
  @HasNo(optional(hostedKeysProblem))
  hostedKeys?: string[];

  /** Permits the virtual keys to be stored, and read, below {@link prefixForStoredVirtualKeys}. */
  @HasNo(flagProblem)
  storeVirtualKeys: boolean = false;

  /** Where virtual keys are stored. A missing slash at the end is added. */
  @HasNo(prefixProblem)
  prefixForStoredVirtualKeys: string = 'litellm/';

  /** Stored with every secret that is written, where the call gives none. */
  @HasNo(optional(descriptionProblem))
  description?: string;

  /** Stored with every secret that is written; a tag of the call wins. */
  @HasNo(optional(tagsProblem))
  tags?: Record<string, string>;

  /** One secret whose value is a JSON object that holds the application's secrets by name. */
  @HasNo(optional(primaryNameProblem))
  primarySecretName?: string;
}

/** Every problem with settings that somebody gave, each a sentence that names the field and holds no value. */
export function settingsProblems(given: unknown): string[] {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [`settings must be an object, and is ${kindOf(given)}`];
  }
  const candidate = Object.assign(new KeyManagementSettings(), withoutUndefined(given));
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

/** Settings that have passed {@link settingsProblems}, with the defaults and with names and prefix in their final form. */
export function resolveSettings(
  given: Partial<KeyManagementSettings> = {},
): Readonly<KeyManagementSettings> {
  const settings = Object.assign(new KeyManagementSettings(), onlyGiven(given));
  const { hostedKeys, primarySecretName, prefixForStoredVirtualKeys: prefix } = settings;
  settings.prefixForStoredVirtualKeys = prefix.endsWith('/') ? prefix : `${prefix}/`;
  if (hostedKeys) settings.hostedKeys = hostedKeys.map(canonicalSecretName);
  if (primarySecretName) settings.primarySecretName = canonicalSecretName(primarySecretName);
  return Object.freeze(settings);
}

function unknownField(property: string): string {
  const meant = Object.keys(FIELDS).find((field) => plain(field) === plain(property));
  return `${quoteName(property)} is not a setting; ${meant ? `did you mean ${meant}?` : `there are ${Object.keys(FIELDS).join(', ')}`}`;
}

/** `Access_Mode` and `accessMode` are the same name to somebody who comes from LiteLLM. */
function plain(field: string): string {
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

/** Where `null` has been found right, it means that nothing is given. */
function onlyGiven(given: object): object {
  const values = Object.entries(withoutUndefined(given));
  return Object.fromEntries(values.filter(([, value]) => value !== null));
}

function withoutUndefined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function accessModeProblem(value: unknown): string | undefined {
  const isKnown = ACCESS_MODES.some((mode) => mode === value);
  return isKnown ? undefined : `must be one of ${ACCESS_MODES.join(', ')}`;
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
    return problem === undefined ? [] : [`[${index}] (${quoteName(name)}) ${problem}`];
  });
  return problems.length === 0 ? undefined : problems.join(', ');
}

function prefixProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return `must be a string, and is ${kindOf(value)}`;
  const problem = configuredNameProblem(value.endsWith('/') ? value.slice(0, -1) : value);
  return (
    problem &&
    `(${quoteName(value)}) ${problem}; it is what stands before the slash, as in "litellm/"`
  );
}

function tagsProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `must be an object of strings, and is ${kindOf(value)}`;
  }
  const wrong = Object.entries(value).find(([, tag]) => typeof tag !== 'string');
  return wrong && `must be an object of strings, and ${quoteName(wrong[0])} is ${kindOf(wrong[1])}`;
}

function primaryNameProblem(value: unknown): string | undefined {
  const problem = configuredNameProblem(value);
  return problem && `(${quoteName(value)}) ${problem}`;
}

type ProblemOf = (value: unknown) => string | undefined;

function optional(problemOf: ProblemOf): ProblemOf {
  return (value) => (value === undefined || value === null ? undefined : problemOf(value));
}

/**
 * The value is right if `problemOf` finds nothing; what it finds follows the field's name in the message. One decorator for
 * all fields, because each that is registered costs import time.
 */
function HasNo(problemOf: ProblemOf): PropertyDecorator {
  return ValidateBy({
    name: 'hasNoProblem',
    validator: {
      validate: (value) => problemOf(value) === undefined,
      defaultMessage: (args) => `${args?.property} ${problemOf(args?.value)}`,
    },
  });
}
