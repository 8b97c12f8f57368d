const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

/** Returns whether requests to a host name stay on this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}
