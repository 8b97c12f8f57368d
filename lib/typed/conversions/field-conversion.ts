import { fieldRules, type Refusal } from '../class-rules';
import type { Convert, Converted } from './converted';
import { toJsonClass } from './json-class';
import { parsedJson } from './json-text';
import { ignoreRejection, isThenable } from '../promises';
import type { FieldOptions, SecretsClass } from '../secret-value';
import type { StandardSchema } from './standard-schema';

/** Returns what makes the value of a field from a text, and validates the value by the decorators of the field. */
export function fieldConversion(type: SecretsClass, field: string, options: FieldOptions): Convert {
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
  if (parse !== undefined) return guarded('parse', (text) => parsed(parse, text));
  if (json !== undefined) return guarded('json', toJsonClass(json));
  if (schema !== undefined) return guarded('schema', (text) => validated(schema, text));
  return (value) => ({ value });
}

/** Makes a problem of an error. The code of the team may throw anything, and deep JSON exceeds the stack. */
function guarded(option: string, convert: Convert): Convert {
  return (text) => {
    try {
      return convert(text);
    } catch (error) {
      ignoreRejection(error);
      return { problem: `is refused by \`${option}\`, which threw`, original: error };
    }
  };
}

function parsed(parse: (text: string) => unknown, text: string): Converted {
  const value = parse(text);
  if (isThenable(value)) {
    ignoreRejection(value);
    return { problem: 'cannot be parsed: `parse` returned a promise' };
  }
  if (value === undefined) return { problem: 'is refused by `parse`, which returned undefined' };
  if (Number.isNaN(value)) return { problem: 'is refused by `parse`, which returned NaN' };
  return { value };
}

function validated(schema: StandardSchema, text: string): Converted {
  const json = parsedJson(text);
  const given = typeof json === 'object' && json !== null ? json : text;
  const result: unknown = schema['~standard'].validate(given);
  if (isThenable(result)) {
    ignoreRejection(result);
    return { problem: 'cannot be validated: `schema` returned a promise. Use a synchronous one' };
  }
  if (typeof result !== 'object' || result === null) return NO_RESULT;
  const issues: unknown = Reflect.get(result, 'issues');
  if (issues !== undefined) {
    const count = Array.isArray(issues) ? issues.length : 1;
    return {
      problem: `is refused by \`schema\`, with ${count} ${count === 1 ? 'issue' : 'issues'}`,
      original: issues,
    };
  }
  return 'value' in result ? { value: result.value } : NO_RESULT;
}

const NO_RESULT = { problem: 'cannot be validated: `schema` returned neither a value nor issues' };

function toProblem({ broken, original }: Refusal): Converted {
  const rules = broken.map(({ rule }) => rule).join(', ');
  const problem =
    broken.length === 0
      ? 'cannot be validated: a rule threw'
      : `breaks the ${broken.length === 1 ? 'rule' : 'rules'} ${rules}`;
  return { problem, original };
}
