const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Returns whether requests to a host name stay on this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/** Returns the URL of `host` or `host:port`, or `undefined` if it is neither. */
export function parseHost(host: unknown): URL | undefined {
  if (typeof host !== 'string' || /[^\p{L}\p{N}._:[\]-]/u.test(host)) return undefined;
  return URL.canParse(`ws://${host}`) ? new URL(`ws://${host}`) : undefined;
}
