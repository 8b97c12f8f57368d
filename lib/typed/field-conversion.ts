import { fieldRules, type Refusal } from './class-rules';
import { toJsonClass } from './json-class';
import { parsedJson } from './json-text';
import type { FieldOptions, SecretsClass } from './secret-value';
import type { StandardSchema } from './standard-schema';
import type { Convert, Converted } from './text-rules';

/** Returns what makes the value of a field from a text, and validates the value by the decorators of the field. */
export function fieldConversion(
  type: SecretsClass,
  field: string,
  options: FieldOptions,
): (text: string) => Converted {
  const { allowEmpty = false } = options;
  const convert = conversionOf(options);
  const refusalOf = fieldRules(type, field);
  return (text) => {
    if (text === '' && !allowEmpty) return EMPTY;
    const converted = convert(text);
    if ('problem' in converted || refusalOf === undefined) return converted;
    const refusal = refusalOf(converted.value);
    return refusal === undefined ? converted : toProblem(refusal);
  };
}

const EMPTY = { problem: 'is empty. Give it a value, or say `allowEmpty: true` if that is right' };

function conversionOf({ parse, json, schema }: FieldOptions): Convert {
  if (parse !== undefined) return (text) => parsed(parse, String(text));
  if (json !== undefined) return toJsonClass(json);
  if (schema !== undefined) return (text) => validated(schema, String(text));
  return (value) => ({ value });
}

function parsed(parse: (text: string) => unknown, text: string): Converted {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return { problem: 'is refused by `parse`, which threw', original: error };
  }
  if (isPromise(value)) return { problem: 'cannot be parsed: `parse` returned a promise' };
  if (value === undefined) return { problem: 'is refused by `parse`, which returned undefined' };
  if (Number.isNaN(value)) return { problem: 'is refused by `parse`, which returned NaN' };
  return { value };
}

function validated(schema: StandardSchema, text: string): Converted {
  const json = parsedJson(text);
  const given = typeof json === 'object' && json !== null ? json : text;
  try {
    const result: unknown = schema['~standard'].validate(given);
    if (isPromise(result)) {
      return { problem: 'cannot be validated: `schema` returned a promise. Use a synchronous one' };
    }
    const issues: unknown = Reflect.get(Object(result) as object, 'issues');
    if (issues === undefined) return { value: Reflect.get(Object(result) as object, 'value') };
    const count = Array.isArray(issues) ? issues.length : 1;
    return {
      problem: `is refused by \`schema\`, with ${count} ${count === 1 ? 'issue' : 'issues'}`,
      original: issues,
    };
  } catch (error) {
    return { problem: 'is refused by `schema`, which threw', original: error };
  }
}

/** Returns whether a value is a promise. Its rejection must not end the process. */
function isPromise(value: unknown): boolean {
  const then: unknown = typeof value === 'object' && value !== null && Reflect.get(value, 'then');
  if (typeof then !== 'function') return false;
  Promise.resolve(value).catch(() => undefined);
  return true;
}

function toProblem({ broken, original }: Refusal): Converted {
  const rules = broken.map(({ rule }) => rule).join(', ');
  const problem =
    broken.length === 0
      ? 'cannot be validated: a rule threw'
      : `breaks the ${broken.length === 1 ? 'rule' : 'rules'} ${rules}`;
  return { problem, original };
}
