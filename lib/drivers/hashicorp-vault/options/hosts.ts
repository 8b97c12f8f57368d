/** Returns the URL of `host` or `host:port`, or `undefined` if it is neither. */
export function parseHost(host: unknown): URL | undefined {
  if (typeof host !== 'string' || /[^\p{L}\p{N}._:[\]-]/u.test(host)) return undefined;
  return URL.canParse(`ws://${host}`) ? new URL(`ws://${host}`) : undefined;
}
