/** How the manager proves who it is. `mount` is where the auth method is mounted; default: its own name. */
export type VaultAuth =
  | { readonly method: 'token'; readonly token: string }
  /** A file that somebody else keeps up to date, as Vault Agent does; it is read again when it changes. */
  | { readonly method: 'token-file'; readonly path: string }
  /** `wrappedSecretId` is a response-wrapping token; it is unwrapped once. */
  | {
      readonly method: 'approle';
      readonly roleId: string;
      readonly secretId?: string;
      readonly wrappedSecretId?: string;
      readonly mount?: string;
    }
  | {
      readonly method: 'userpass';
      readonly username: string;
      readonly password: string;
      readonly mount?: string;
    }
  /** `jwtFile` is read again at each login. */
  | {
      readonly method: 'jwt';
      readonly role: string;
      readonly jwt?: string;
      readonly jwtFile?: string;
      readonly mount?: string;
    }
  /** Default of `jwtFile`: the service account of the pod, read again at each login. */
  | {
      readonly method: 'kubernetes';
      readonly role: string;
      readonly jwtFile?: string;
      readonly mount?: string;
    }
  /** By the client certificate of `tls`; `name` is the role. */
  | { readonly method: 'cert'; readonly name?: string; readonly mount?: string }
  /** Sends no token and logs in nowhere: for an address where an agent adds its own token to each request. */
  | { readonly method: 'none' };

/** PEM, as text or as the path of a file. Files are read again when they change. */
export interface VaultTls {
  readonly ca?: string;
  readonly caFile?: string;
  readonly cert?: string;
  readonly certFile?: string;
  readonly key?: string;
  readonly keyFile?: string;
}

export interface VaultSecretManagerOptions {
  /**
   * `https://host:port`, or `https://host/path` where a proxy serves the server below a path. Plain `http` is for loopback,
   * unless `allowInsecureHttp` is set.
   */
  readonly address: string;
  readonly auth: VaultAuth;
  readonly namespace?: string;
  /** Where the secrets engine is mounted. Default `secret`; with `kvVersion: 'none'` the name begins with the mount. */
  readonly mount?: string;
  /** The version of the KV engine, or `none`: any path that can be read, as of dynamic secrets. Default 2. */
  readonly kvVersion?: KvVersion;
  /** Stands between mount and name. Default: none. */
  readonly pathPrefix?: string;
  /**
   * The field of a secret that is its value; a secret without it is `MALFORMED`. Default: `value`, else `key`, else the only
   * one there is; of several others their JSON.
   */
  readonly field?: string;
  readonly tls?: VaultTls;
  /**
   * Hosts of other nodes, as `host` or `host:port`, that a standby may redirect to. Requests with their token, and
   * connections with the client certificate, go to the host of `address` and to these hosts. Default: none.
   */
  readonly redirectHosts?: readonly string[];
  /**
   * The URL of an HTTP proxy to reach the server through, as `http://user:password@proxy.example:3128`. Every request uses
   * a tunnel (`CONNECT`), also to an address with plain `http`. Default: none.
   */
  readonly proxy?: string;
  /** Hosts to reach without the proxy, separated by commas, as in the variable `NO_PROXY`. Default: none. */
  readonly noProxy?: string;
  /**
   * Logs in again when the server denies a request, at most once in 30 s, and retries the request once with the fresh
   * token: it may have a policy that the old token lacks. A token that the server no longer knows is replaced in any case.
   * Default: `true`, but `false` for `auth.method: 'approle'`, because a secret id may be valid for few logins.
   */
  readonly retryDeniedWithFreshLogin?: boolean;
  /**
   * Starts the worker that synchronous reads are made by when the manager starts, so that the first of them does not wait
   * for it. Default `false`: it starts with the first.
   */
  readonly startsSyncReads?: boolean;
  /** Sends tokens and secrets in the clear to a host that is not loopback. Default `false`. */
  readonly allowInsecureHttp?: boolean;
}

export type KvVersion = 1 | 2 | 'none';

export const DEFAULT_JWT_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Settings as they may come from an environment: anything can be missing. */
export type GivenVaultOptions = Partial<VaultSecretManagerOptions>;
