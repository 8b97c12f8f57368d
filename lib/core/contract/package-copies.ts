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
  return sharedByCopies(`copies of ${name}`, () => new Set<Copy>());
}

/** Returns the one object of this purpose in the process, which all copies of this package share. */
export function sharedByCopies<Shared extends object>(purpose: string, make: () => Shared): Shared {
  const key = Symbol.for(`nestjs-custom-secret-manager/${purpose}`);
  const known = Reflect.get(globalThis, key) as Shared | undefined;
  if (known !== undefined) return known;
  const made = make();
  Object.defineProperty(globalThis, key, { value: made });
  return made;
}
