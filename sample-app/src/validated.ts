import { validateSync } from 'class-validator';

export interface Problem {
  readonly field: string;
  /** The broken rule, without the value, which may be a key. */
  readonly message: string;
}

/** Returns an object of the class with the given fields, and every problem with them. */
export function validated<T extends object>(
  type: new () => T,
  given: unknown,
  { allowsOtherFields = false } = {},
): { readonly value: T; readonly problems: readonly Problem[] } {
  const value = new type();
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { value, problems: [{ field: '', message: 'must be an object' }] };
  }
  // `__proto__` and `constructor` would change the rules of validation
  const entries = Object.entries(given);
  const forbidden = entries.filter(([name]) => isOfObject(name)).map(([name]) => notKnown(name));
  const fields = entries.filter(([name]) => !isOfObject(name));
  const rules = allowsOtherFields ? {} : { whitelist: true, forbidNonWhitelisted: true };
  const errors = validateSync(Object.assign(value, Object.fromEntries(fields)), {
    ...rules,
    stopAtFirstError: true,
  });
  const problems = errors.map(({ property, constraints = {} }) => ({
    field: property,
    message: Object.values(constraints).join(', '),
  }));
  return { value, problems: [...problems, ...forbidden] };
}

function isOfObject(name: string): boolean {
  return name in Object.prototype;
}

function notKnown(field: string): Problem {
  return { field, message: `property ${field} should not exist` };
}
