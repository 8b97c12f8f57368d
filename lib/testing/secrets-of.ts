import { LiveSecret, type Secret } from '../core/contract/secret';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../core/errors/wording';
import { isRecord, listed } from '../core/validation/option-rules';
import { canonicalSecretName } from '../core/validation/secret-name';
import type { Converted } from '../typed/conversions/converted';
import { fieldConversion } from '../typed/conversions/field-conversion';
import type { SecretsClass } from '../typed/secret-value';
import { toInstance } from '../typed/secrets-instance';
import { classProblems, fieldsOf, type TypedField } from '../typed/typed-fields';

const CONTEXT = { manager: 'secretsOf', operation: 'secretsOf' };

/**
 * Returns an instance of a class with `@SecretValue`, for the test of a class that injects one. The values are
 * parsed and validated as in an application, and never change.
 *
 * Throws one `MISCONFIGURED` with all problems: a missing or refused value, and a value that no field takes.
 *
 * @param values the texts by name of the secret, as the store would have them
 */
export function secretsOf<Instance extends object>(
  type: SecretsClass<Instance>,
  values: Readonly<Record<string, string | undefined>>,
): Instance {
  const ofClass = classProblems(type);
  if (ofClass.length > 0) throw misconfigured(ofClass);
  if (!isRecord(values)) {
    throw misconfigured([
      `the values must be an object of texts by name, and are ${kindOf(values)}`,
    ]);
  }
  const texts = new Map<string, unknown>(
    Object.entries(values).map(([name, text]) => [canonicalSecretName(name), text]),
  );
  const fields = fieldsOf(type).map((field) => ({
    ...field,
    name: canonicalSecretName(field.name),
  }));
  const problems: string[] = [...unused(texts, fields)];
  const handles = new Map<string, Secret<unknown>>();
  for (const field of fields) {
    const converted = convert(type, field, texts.get(field.name));
    if (converted === undefined) continue;
    if ('problem' in converted) problems.push(`${type.name}.${field.field}: ${converted.problem}`);
    else handles.set(field.field, constant(field.name, converted.value));
  }
  if (problems.length > 0) throw misconfigured(problems);
  const names = new Map(fields.map(({ field, name }) => [field, name]));
  return toInstance(type, names, (field) => handles.get(field));
}

function convert(
  type: SecretsClass,
  { field, name, options }: TypedField,
  text: unknown,
): Converted | undefined {
  const title = `the secret ${quoteName(name)}`;
  if (text === undefined) {
    return options.optional ? undefined : { problem: `${title} is missing` };
  }
  if (typeof text !== 'string') {
    return { problem: `${title} must be a text, as in the store, and is ${kindOf(text)}` };
  }
  const converted = fieldConversion(type, field, options)(text);
  return 'problem' in converted ? { problem: `${title} ${converted.problem}` } : converted;
}

function unused(texts: ReadonlyMap<string, unknown>, fields: readonly TypedField[]): string[] {
  const known = new Set(fields.map(({ name }) => name));
  return [...texts.keys()]
    .filter((name) => !known.has(name))
    .map(
      (name) =>
        `no field takes the secret ${quoteName(name)}; there are ${[...known].map(quoteName).join(', ')}`,
    );
}

/** Returns a handle whose value never changes. */
function constant(name: string, value: unknown): Secret<unknown> {
  return new LiveSecret<unknown>(name, {
    reveal: () => value,
    get: () => Promise.resolve(value),
    served: () => undefined,
    onChange: () => () => undefined,
    use: async (work) => await work(value),
  });
}

function misconfigured(problems: readonly string[]): SecretManagerError {
  const message = `secretsOf() cannot make the instance:\n${listed(problems)}`;
  return new SecretManagerError('MISCONFIGURED', message, CONTEXT);
}
