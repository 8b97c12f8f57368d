/**
 * Registers a class for other copies of this package in the process. Copies are the CommonJS and the ES modules
 * in one bundle, or two versions.
 *
 * Nest finds a provider by the identity of its class. A copy therefore has to provide for the classes of the
 * others.
 */
export function announceCopy(name: string, type: Copy): void {
  copiesOf(name).add(type);
}

/** A class that serves Nest as a token, and is not constructed from outside. */
type Copy = abstract new (...parameters: never[]) => object;

/** Returns the class of this name from every copy that is loaded so far. */
export function copiesOf(name: string): Set<Copy> {
  const key = Symbol.for(`nestjs-custom-secret-manager/copies of ${name}`);
  const known = Reflect.get(globalThis, key) as Set<Copy> | undefined;
  if (known !== undefined) return known;
  const copies = new Set<Copy>();
  Object.defineProperty(globalThis, key, { value: copies });
  return copies;
}
