import type { MapName } from '../../http/options/mapped-names';
import type { ConnectionSettings } from '../../http/options/option-rules';

/** A credential object, such as one of `@azure/identity`. It is recognised by its method. */
export interface AzureCredential {
  /** Resolves to a token for the scope, or to `null` if there is none. */
  getToken(scope: string): Promise<AzureAccessToken | null> | AzureAccessToken | null;
}

export interface AzureAccessToken {
  readonly token: string;
  /** The end of the token, in milliseconds since 1970. */
  readonly expiresOnTimestamp: number;
}

/** The login of the manager. */
export type AzureAuth =
  | {
      readonly method: 'client-secret';
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: string;
    }
  /** Certificate and RSA key in PEM, as text or as the path of a file. The files are read at each login. */
  | {
      readonly method: 'certificate';
      readonly tenantId: string;
      readonly clientId: string;
      readonly certificate?: string;
      readonly certificateFile?: string;
      readonly privateKey?: string;
      readonly privateKeyFile?: string;
    }
  /**
   * The token of a Kubernetes service account. The file is read at each login. Defaults: `AZURE_TENANT_ID`,
   * `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE`, and `AZURE_AUTHORITY_HOST` for `authorityHost`.
   */
  | {
      readonly method: 'workload-identity';
      readonly tenantId?: string;
      readonly clientId?: string;
      readonly tokenFile?: string;
    }
  /**
   * The identity of the machine or the app. App Service is recognised by `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`.
   * Otherwise the metadata service answers, at `endpoint` or `http://169.254.169.254`.
   */
  | {
      readonly method: 'managed-identity';
      /** The client id of a user-assigned identity. Default: the identity of the machine. */
      readonly clientId?: string;
      readonly endpoint?: string;
    }
  | AzureCredential;

export type AzureAuthMethod = Extract<AzureAuth, { readonly method: string }>['method'];

export interface AzureKeyVaultSecretManagerOptions extends ConnectionSettings {
  /** The URL of the vault, as `https://my-vault.vault.azure.net`. */
  readonly vaultUrl: string;
  readonly auth: AzureAuth;
  /**
   * Turns the name of a secret into one that a vault takes: letters, digits and dashes. `dashes` replaces `_`, `/` and
   * `.` with a dash. Default: a name that does not fit is `INVALID_ARGUMENT`.
   */
  readonly mapName?: MapName;
  /**
   * Hosts of vaults, as `host` or `host:port`, beside those of Azure: `*.vault.azure.net`, `*.vault.azure.cn` and
   * `*.vault.usgovcloudapi.net`. Tokens go to no other host. Default: none.
   */
  readonly trustedHosts?: readonly string[];
  /** The URL of the login service. Default: the one of the cloud of the vault. */
  readonly authorityHost?: string;
}

/** Options from an environment, any of which may be missing. */
export type GivenAzureOptions = Partial<AzureKeyVaultSecretManagerOptions>;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns whether the application gave a credential object. */
export function isCredential(auth: AzureAuth): auth is AzureCredential {
  return typeof Reflect.get(auth, 'getToken') === 'function';
}
