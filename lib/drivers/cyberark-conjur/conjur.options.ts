import type { ConnectionSettings } from '../http/options/option-rules';
import type { TlsOptions } from '../http/tls/tls-options';

/** The login of the manager. */
export type ConjurAuth =
  /** `login` is a user, or a host as in `host/apps/gateway`. */
  | { readonly method: 'api-key'; readonly login: string; readonly apiKey: string }
  /**
   * The authenticator `authn-jwt/<serviceId>`. Default of `jwtFile`: the service account token of the pod. The file is
   * read at each login. `login` is needed only if the host is not a claim of the token.
   */
  | {
      readonly method: 'jwt';
      readonly serviceId: string;
      readonly jwt?: string;
      readonly jwtFile?: string;
      readonly login?: string;
    }
  /** A file with an access token that another process keeps up to date, as the sidecar of CyberArk does. */
  | { readonly method: 'token-file'; readonly path: string };

export interface ConjurSecretManagerOptions extends ConnectionSettings {
  /** The URL of the server: `https://host`, or `https://host/path` as in Conjur Cloud's `/api`. */
  readonly address: string;
  /** The account of the organisation. */
  readonly account: string;
  readonly auth: ConjurAuth;
  readonly tls?: TlsOptions;
  /**
   * The policy branch in which a write declares a missing variable, as `apps/gateway` or `root`. The variable's name has
   * to begin with the branch. Default: none, and a write of a missing variable is `UNSUPPORTED`.
   */
  readonly policyBranch?: string;
}

export const DEFAULT_JWT_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
