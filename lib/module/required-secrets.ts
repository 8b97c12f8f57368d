import { kindOf, quoteName } from '../core/errors/wording';
import { isRecord, unknownOptions } from '../core/validation/option-rules';
import { configuredNameProblem } from '../core/validation/secret-name';

/** A secret that is read before anything that injects `SecretsService` is constructed. */
export type PreloadedSecret =
  | string
  | {
      readonly name: string;
      /** Accepts an absent secret, but neither a failure nor an empty value. */
      readonly optional?: true;
      /** Accepts an empty value. */
      readonly allowEmpty?: true;
    };

export interface RequiredSecret {
  /** The name as given. The look-up removes the prefix of a reference `os.environ/NAME`. */
  readonly name: string;
  readonly optional: boolean;
  readonly allowEmpty: boolean;
  /** The field of a class that holds the secret, as `DatabaseSecrets.password`. */
  readonly owner?: string;
  /** Returns a sentence about a value that the field refuses. */
  readonly refusalOf?: (text: string) => string | undefined;
}

/** Returns the problem of an item of `preload` or `forFeature` as the end of a sentence, or `undefined`. */
export function requiredSecretProblem(
  secret: unknown,
  flags: readonly string[] = ['optional', 'allowEmpty'],
): string | undefined {
  if (!isRecord(secret)) {
    if (typeof secret === 'string') return configuredNameProblem(secret);
    return `must be ${aNameOr(flags)}, and is ${kindOf(secret)}`;
  }
  const isWrong = flags.some((flag) => secret[flag] !== undefined && secret[flag] !== true);
  if (isWrong) return `must be ${aNameOr(flags)}`;
  const [unknown] = unknownOptions(secret, ['name', ...flags]);
  return (
    configuredNameProblem(secret.name) ?? (unknown && `(${quoteName(secret.name)}): ${unknown}`)
  );
}

function aNameOr(flags: readonly string[]): string {
  return `a name or { name, ${flags.map((flag) => `${flag}: true`).join(', ')} }`;
}

/** Returns an item of `preload` or `forFeature` in its full form. */
export function requiredSecret(secret: PreloadedSecret): RequiredSecret {
  const {
    name,
    optional = false,
    allowEmpty = false,
  } = typeof secret === 'object' && secret !== null ? secret : { name: secret };
  return { name, optional, allowEmpty };
}
