import { getMetadataStorage, validateSync, type ValidationError } from 'class-validator';
import { attempt } from '../core/errors/safe-access';
import { ignoreRejection, isThenable } from './promises';
import type { SecretsClass } from './secret-value';

type ClassRule = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];

export interface BrokenRule {
  /** The name of the decorator, as `minLength`. */
  readonly rule: string;
  /** A property that the class declares. */
  readonly property: string;
}

/** The broken rules, and the errors of class-validator, which hold the value. */
export interface Refusal {
  readonly broken: readonly BrokenRule[];
  readonly original: unknown;
}

/** Returns the class-validator rules of a class, including the inherited ones. */
export function rulesOf(type: SecretsClass): readonly ClassRule[] {
  return getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
}

/**
 * Returns whether a rule returns a promise, which a synchronous validation takes for kept. A rule need not declare
 * that, so it is called once, without a value.
 */
export function isAsync({ constraintCls, constraints, propertyName }: ClassRule): boolean {
  if (constraintCls === undefined) return false;
  const nothing = { value: undefined, object: {}, targetName: '', property: propertyName };
  return getMetadataStorage()
    .getTargetValidatorConstraints(constraintCls)
    .some(({ async, instance }) => {
      if (async) return true;
      const kept = attempt(() => instance.validate(undefined, { ...nothing, constraints }));
      ignoreRejection(kept);
      return isThenable(kept);
    });
}

/** Validates an object by the rules of its class. Returns `undefined` if it keeps them all. */
export function validate(
  object: object,
  options: { readonly whitelist?: boolean } = {},
): Refusal | undefined {
  try {
    const errors = validateSync(object, { ...options, forbidUnknownValues: true });
    return errors.length === 0 ? undefined : { broken: errors.flatMap(toBroken), original: errors };
  } catch (error) {
    return { broken: [], original: error }; // a rule of the team threw
  }
}

/**
 * Returns a function that validates a value by the rules of one field. The rules are copied to a class that has
 * nothing but this field.
 */
export function fieldRules(
  type: SecretsClass,
  field: string,
): ((value: unknown) => Refusal | undefined) | undefined {
  const rules = rulesOf(type).filter(({ propertyName }) => propertyName === field);
  if (rules.length === 0) return undefined;
  class Field {}
  for (const rule of rules) {
    const copy = Object.assign(Object.create(Object.getPrototypeOf(rule) as object), rule, {
      target: Field,
    }) as ClassRule;
    getMetadataStorage().addValidationMetadata(copy);
  }
  return (value) => validate(Object.assign(new Field(), { [field]: value }));
}

/** The paths below a property may be made of the data's own keys, so they are left out. */
function toBroken({ property, constraints = {} }: ValidationError): BrokenRule[] {
  const rules = Object.keys(constraints);
  const broken = rules.length === 0 ? ['nestedValidation'] : rules;
  return broken.map((rule) => ({ rule, property }));
}
