/**
 * Returns whether a cached value answers a call with these options. No getter is called, because a throwing one
 * is reported elsewhere.
 */
export function isCacheable(options: object | undefined): boolean {
  if (options === undefined) return true;
  if (typeof options !== 'object' || options === null) return false;
  try {
    for (const option in options) {
      // these options do not concern a cached value
      if (option !== 'default' && option !== 'fallback' && option !== 'allowEmpty') return false;
    }
    return true;
  } catch {
    return false; // a proxy
  }
}
