/** A property of anything, whatever its getter does. */
export function read(source: unknown, property: string | symbol): unknown {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null)
    return undefined;
  return attempt(() => (source as Record<string | symbol, unknown>)[property]);
}

export function attempt(getter: () => unknown): unknown {
  try {
    return getter();
  } catch {
    return undefined; // what was thrown may be a proxy, or have getters that throw
  }
}

/** By shape: a `DOMException` is no native error, and one of another realm, as under jest, no `instanceof Error` either. */
export function isErrorLike(candidate: unknown): candidate is Error {
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    'name' in candidate &&
    'message' in candidate
  );
}
