import { isAsync, rulesOf, validate } from '../class-rules';
import { parsedJson } from './json-text';
import type { SecretsClass } from '../secret-value';
import type { Convert } from './converted';

/** Returns the problem of a class for `json` as the end of a sentence, or `undefined`. */
export function jsonClassProblem(type: unknown): string | undefined {
  if (type === undefined) {
    return '`json` is undefined. Two files that import each other cause that: move the class to a file of its own';
  }
  if (!isClass(type)) return '`json` must be a class';
  const rules = rulesOf(type);
  if (rules.length === 0) {
    return `\`json\`: ${type.name} has no class-validator decorators, so that nothing would be checked. Decorate its fields, or use \`schema\``;
  }
  if (rules.some(({ type: kind }) => kind === 'nestedValidation')) {
    return `\`json\`: ${type.name} validates nested objects, which stay plain. Use \`schema\` for them`;
  }
  if (rules.some(isAsync)) return `\`json\`: ${type.name} has an asynchronous rule`;
  const problem = constructorProblem(type);
  return problem === undefined ? undefined : `\`json\`: ${problem}`;
}

/** Returns a sentence about a class whose instances cannot be filled, or `undefined`. */
export function constructorProblem(type: SecretsClass): string | undefined {
  try {
    if (Object.isExtensible(new type())) return undefined;
    return `${type.name} freezes its instances in the constructor, so that its fields cannot be set`;
  } catch {
    return `${type.name} cannot be constructed without arguments`;
  }
}

/**
 * Returns what makes a frozen instance of the class from a JSON object. It takes the fields that the class
 * declares. Nested objects are plain, frozen, and without a prototype.
 */
export function toJsonClass(type: SecretsClass): Convert {
  const fields = [...new Set(rulesOf(type).map(({ propertyName }) => propertyName))];
  return (text) => {
    const parsed = parsedJson(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      return { problem: 'is no JSON object' };
    }
    const instance = new type();
    for (const field of fields) {
      if (!Object.hasOwn(parsed, field)) continue;
      const value = frozen(Reflect.get(parsed, field));
      Object.defineProperty(instance, field, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    const refused = validate(instance, { whitelist: true });
    if (refused === undefined) return { value: Object.freeze(instance) };
    const rules = refused.broken.map(({ rule, property }) => `${rule} of ${property}`);
    return { problem: `breaks the rules ${rules.join(', ')}`, original: refused.original };
  };
}

/** Returns whether a value can be a class. An arrow function has no prototype. */
export function isClass(candidate: unknown): candidate is SecretsClass {
  return typeof candidate === 'function' && typeof candidate.prototype === 'object';
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozen));
  const plain = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) plain[key] = frozen(item);
  return Object.freeze(plain);
}
