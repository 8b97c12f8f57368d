/**
 * Flags that configure connections. A worker needs these, but must not run preloads, loaders and `--eval` of the
 * application.
 */
const NETWORK_FLAG =
  /^--((tls|dns|network)-[\w-]+=.+|tls-(min|max)-v[\d.]+|no-network-family-autoselection)$/;

/** Variables that configure connections, in upper case. */
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
 * Returns the variables that a worker gets: those of connections, and those that it names itself. `NODE_OPTIONS` is
 * left out, because its preloads would run in the worker.
 *
 * @param needed matches the names, in upper case, of further variables that the worker needs
 */
export function workerEnvironment(needed?: RegExp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => {
      const name = entry[0].toUpperCase();
      return NETWORK_VARIABLES.includes(name) || needed?.test(name) === true;
    }),
  );
}
