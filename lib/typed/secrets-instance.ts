import { inspect } from 'node:util';
import type { Secret } from '../core/contract/secret';
import type { SecretsClass } from './secret-value';

/**
 * Returns an instance of the class whose fields are handles. `handleOf` is called at each access. A conversion to
 * text or to JSON shows the names of the secrets alone.
 *
 * @param fields the names of the secrets by field
 */
export function toInstance<Instance extends object>(
  type: SecretsClass<Instance>,
  fields: ReadonlyMap<string, string>,
  handleOf: (field: string) => Secret<unknown> | undefined,
): Instance {
  const instance = new type();
  const shown = (): object =>
    Object.fromEntries(Array.from(fields, ([field, name]) => [field, `[secret ${name}]`]));
  // own properties, which replace those that a compiler defines for the declared fields
  for (const field of fields.keys()) {
    Object.defineProperty(instance, field, {
      get: () => handleOf(field),
      enumerable: true,
      configurable: true,
    });
  }
  define(instance, 'toJSON', shown);
  define(instance, inspect.custom, () => `${type.name} ${inspect(shown())}`);
  return instance;
}

function define(instance: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(instance, name, { value, configurable: true, writable: true });
}
