/**
 * Makes a class known to other copies of this package in the process: the CommonJS and the ES modules in one bundle, or two
 * versions. Nest finds a provider by the identity of its class, so that a copy has to provide for the classes of the others.
 */
export function announceCopy(name: string, type: Copy): void {
  copiesOf(name).add(type);
}

/** A class as Nest takes it for a token: one that is not constructed from outside. */
type Copy = abstract new (...parameters: never[]) => object;

/** Returns the class of that name of every copy that has been loaded so far. */
export function copiesOf(name: string): Set<Copy> {
  const key = Symbol.for(`nestjs-custom-secret-manager/copies of ${name}`);
  const known = Reflect.get(globalThis, key) as Set<Copy> | undefined;
  if (known !== undefined) return known;
  const copies = new Set<Copy>();
  Object.defineProperty(globalThis, key, { value: copies });
  return copies;
}
