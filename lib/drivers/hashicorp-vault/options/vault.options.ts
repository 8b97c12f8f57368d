import type { TlsOptions } from '../../http/tls/tls-options';

/** The login of the manager. `mount` is the mount of the auth method. Default: the name of the method. */
export type VaultAuth =
  | { readonly method: 'token'; readonly token: string }
  /**
   * A file that another process keeps up to date, as Vault Agent does. The manager reads it again when it changes.
   */
  | { readonly method: 'token-file'; readonly path: string }
  /** `wrappedSecretId` is a response-wrapping token, which the manager unwraps once. */
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
  /** Default of `jwtFile`: the service account token of the pod. The file is read again at each login. */
  | {
      readonly method: 'kubernetes';
      readonly role: string;
      readonly jwtFile?: string;
      readonly mount?: string;
    }
  /** Uses the client certificate of `tls`. `name` is the role. */
  | { readonly method: 'cert'; readonly name?: string; readonly mount?: string }
  /** Sends no token and never logs in. Meant for an address at which an agent adds its own token. */
  | { readonly method: 'none' };

/** Certificates and key in PEM, as text or as the path of a file. A changed file is read again. */
export type VaultTls = TlsOptions;

/** The options of a server and of the login there. */
export interface VaultServerOptions {
  /**
   * The URL of the server: `https://host:port`, or `https://host/path` behind a proxy that serves it below a path.
   * Plain `http` is allowed for loopback, elsewhere only with `allowInsecureHttp`.
   */
  readonly address: string;
  readonly auth: VaultAuth;
  readonly namespace?: string;
  readonly tls?: VaultTls;
  /**
   * Hosts of other nodes, as `host` or `host:port`, that a standby may redirect to. Tokens and client certificates
   * go only to the host of `address` and to these hosts. Default: none.
   */
  readonly redirectHosts?: readonly string[];
  /**
   * The URL of an HTTP proxy, such as `http://user:password@proxy.example:3128`. Every request uses a tunnel
   * (`CONNECT`), even to an address with plain `http`. Default: none.
   */
  readonly proxy?: string;
  /** Hosts that bypass the proxy, separated by commas, as in the variable `NO_PROXY`. Default: none. */
  readonly noProxy?: string;
  /**
   * Logs in again when the server denies a request, at most once in 30 s. The request is retried once with the
   * fresh token, which may have a policy that the old token lacks.
   *
   * A token that the server no longer knows is replaced in any case. Default: `true`, but `false` for `auth.method:
   * 'approle'`, because a secret id may be valid for few logins.
   */
  readonly retryDeniedWithFreshLogin?: boolean;
  /**
   * Starts the worker for synchronous reads together with the manager, so that the first read need not wait.
   * Default: `false`, which starts the worker at the first synchronous read.
   */
  readonly startsSyncReads?: boolean;
  /** Allows plain `http` to hosts other than loopback. Tokens and secrets travel unencrypted. Default: `false`. */
  readonly allowInsecureHttp?: boolean;
}

export interface VaultSecretManagerOptions extends VaultServerOptions {
  /**
   * The mount of the secrets engine. Default: `secret`. With `kvVersion: 'none'` the name starts with the mount.
   */
  readonly mount?: string;
  /** The version of the KV engine. `none` reads any path, such as one of dynamic secrets. Default: 2. */
  readonly kvVersion?: KvVersion;
  /** A path between mount and name. Default: none. */
  readonly pathPrefix?: string;
  /**
   * The field that is the value of a secret. A secret without this field is `MALFORMED`.
   *
   * Default: `value`, else `key`, else the only field. Several other fields: the whole secret as JSON.
   */
  readonly field?: string;
}

export type KvVersion = 1 | 2 | 'none';

export const DEFAULT_JWT_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Options from an environment, any of which may be missing. */
export type GivenVaultOptions = Partial<VaultSecretManagerOptions>;
