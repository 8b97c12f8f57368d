/** Flags that say how to connect. A worker needs them; the preloads, loaders and `--eval` of the application it must not run. */
const NETWORK_FLAG =
  /^--((tls|dns|network)-[\w-]+=.+|tls-(min|max)-v[\d.]+|no-network-family-autoselection)$/;

/** Variables that say how to connect, in upper case. */
const NETWORK_VARIABLES = [
  'ALL_PROXY',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
];

/** Returns the network flags of the process, from its command line and from `NODE_OPTIONS`. */
export function networkFlags(): string[] {
  const { NODE_OPTIONS = '' } = process.env;
  return [...process.execArgv, ...NODE_OPTIONS.split(/\s+/)].filter((flag) =>
    NETWORK_FLAG.test(flag),
  );
}

/**
 * Returns the variables that a worker gets: those that say how to connect, and those that it names itself. `NODE_OPTIONS` is
 * none of them: its preloads would run in the worker.
 *
 * @param needed matches the names of variables, in upper case, that the worker needs besides
 */
export function workerEnvironment(needed?: RegExp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => {
      const name = entry[0].toUpperCase();
      return NETWORK_VARIABLES.includes(name) || needed?.test(name) === true;
    }),
  );
}
