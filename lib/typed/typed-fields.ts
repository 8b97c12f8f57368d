import { kindOf, quoteName } from '../core/errors/wording';
import { isRecord, unknownOptions } from '../core/validation/option-rules';
import { configuredNameProblem } from '../core/validation/secret-name';
import { isAsync, rulesOf } from './class-rules';
import { constructorProblem, isClass, jsonClassProblem } from './conversions/json-class';
import {
  declaredFields,
  type DeclaredField,
  type FieldOptions,
  type SecretsClass,
} from './secret-value';
import { isStandardSchema } from './conversions/standard-schema';

/** A valid field of a class with `@SecretValue`. */
export interface TypedField {
  readonly field: string;
  readonly name: string;
  readonly options: FieldOptions;
}

const OPTIONS = ['optional', 'allowEmpty', 'parse', 'json', 'schema'];
const CONVERSIONS = ['parse', 'json', 'schema'];

/** Returns the fields of a class. Call {@link classProblems} first. */
export function fieldsOf(type: SecretsClass): readonly TypedField[] {
  return declaredFields(type).map(({ field, name, options = {} }) => ({
    field: String(field),
    name: String(name),
    options: options as FieldOptions, // checked by classProblems
  }));
}

/** Returns every problem of a class as a sentence. */
export function classProblems(type: unknown): readonly string[] {
  if (!isClass(type)) {
    const name = typeof type === 'function' ? ` ${quoteName(type.name)}` : '';
    return [`${kindOf(type)}${name} is neither a name nor a class`];
  }
  const declared = declaredFields(type);
  if (declared.length === 0) return [`${type.name} has no field with @SecretValue`];
  const problems = declared.flatMap((one, index) => {
    const where = `${type.name}.${String(one.field)}`;
    const isTwice = declared.findIndex(({ field }) => field === one.field) < index;
    const problem = isTwice ? 'has @SecretValue twice' : fieldProblem(one);
    return [problem, ...optionProblems(one.options), asyncProblem(type, one)].flatMap((text) =>
      text === undefined ? [] : [`${where} ${text}`],
    );
  });
  if (problems.length > 0) return problems;
  const problem = constructorProblem(type);
  return problem === undefined ? [] : [problem];
}

function fieldProblem({ field, name, isMisplaced }: DeclaredField): string | undefined {
  if (isMisplaced) return 'is no field of the instances: @SecretValue needs one';
  if (typeof field !== 'string') return 'must have a name that is a string';
  const problem = configuredNameProblem(name);
  return problem && `(the name of the secret) ${problem}`;
}

function optionProblems(options: unknown): readonly string[] {
  if (options === undefined) return [];
  if (!isRecord(options)) return [`has options that must be an object, and are ${kindOf(options)}`];
  const conversions = CONVERSIONS.filter((option) => options[option] !== undefined);
  return [
    ...unknownOptions(options, OPTIONS).map((problem) => `has a wrong option: ${problem}`),
    ...(conversions.length > 1
      ? [`has ${conversions.join(' and ')}. Give one of parse, json and schema`]
      : conversionProblems(options)),
  ];
}

function conversionProblems(options: Readonly<Record<string, unknown>>): readonly string[] {
  const { parse, schema, json } = options;
  if (parse !== undefined && typeof parse !== 'function') {
    return [`has \`parse\`, which must be a function, and is ${kindOf(parse)}`];
  }
  if (schema !== undefined && !isStandardSchema(schema)) {
    return [`has \`schema\`, which must implement Standard Schema, and is ${kindOf(schema)}`];
  }
  const isGiven = 'json' in options && parse === undefined && schema === undefined;
  const problem = isGiven ? jsonClassProblem(json) : undefined;
  return problem === undefined ? [] : [`has a wrong ${problem}`];
}

function asyncProblem(type: SecretsClass, { field }: DeclaredField): string | undefined {
  const rules = rulesOf(type).filter(({ propertyName }) => propertyName === field);
  return rules.some(isAsync) ? 'has an asynchronous rule of class-validator' : undefined;
}
