/**
 * Makes `instanceof` recognise instances of the same class from another copy of this package. Copies are the
 * CommonJS and the ES modules in one bundle, or two versions. A subclass keeps the ordinary `instanceof`.
 *
 * @param brand made with `Symbol.for`, so that every copy has the same one
 */
export function recogniseByBrand(type: Branded, brand: symbol): void {
  Object.defineProperty(type.prototype, brand, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, candidate: unknown): boolean {
      return this === type ? hasBrand(candidate, brand) : isInstance.call(this, candidate);
    },
  });
}

/** Returns whether a value carries the brand. Returns `false` for a proxy or a getter that throws. */
export function hasBrand(candidate: unknown, brand: symbol): boolean {
  if (typeof candidate !== 'object' || candidate === null) return false;
  try {
    return Reflect.get(candidate, brand) === true;
  } catch {
    return false;
  }
}

interface Branded {
  readonly prototype: object;
}

const isInstance = Function.prototype[Symbol.hasInstance];
