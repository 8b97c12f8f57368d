/** Returns a property of any value, or `undefined` if there is none or its getter throws. */
export function read(source: unknown, property: string | symbol): unknown {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null)
    return undefined;
  return attempt(() => (source as Record<string | symbol, unknown>)[property]);
}

/** Returns the result of a function, or `undefined` if it throws. */
export function attempt<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch {
    return undefined; // what was thrown may itself throw when it is read
  }
}

/**
 * Returns whether a value has the shape of an error. A `DOMException` is no native error, and an error of
 * another realm, as under jest, is no `instanceof Error`.
 */
export function isErrorLike(candidate: unknown): candidate is Error {
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    'name' in candidate &&
    'message' in candidate
  );
}
