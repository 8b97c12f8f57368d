import { read } from '../../../core/errors/safe-access';

/** A token of Google, as the clients of `google-auth-library` give it. */
export type GoogleToken = string | { readonly token?: string | null } | null | undefined;

/** An object that gives tokens, such as a `GoogleAuth` of google-auth-library with the scope `cloud-platform`. */
export interface GoogleTokenSource {
  /** Called for each request. The object keeps its token itself. */
  getAccessToken(): GoogleToken | Promise<GoogleToken>;
}

/** The login of a manager at Google. */
export type GoogleAuth =
  /** The service account of the machine or the pod. Default of `host`: `metadata.google.internal`. */
  | { readonly method: 'metadata'; readonly host?: string }
  /** The key of a service account, as a file or as its JSON. The file is read again at each login. */
  | { readonly method: 'service-account'; readonly keyFile: string }
  | { readonly method: 'service-account'; readonly key: string | object }
  /**
   * A credential file of the type `service_account`, `authorized_user` or `external_account`. It is read again at
   * each login. `tokenUrl` replaces the address of the token endpoint.
   */
  | { readonly method: 'file'; readonly path: string; readonly tokenUrl?: string }
  | GoogleTokenSource;

/** The variables of Application Default Credentials. */
export type GoogleEnvironment = Readonly<Record<string, string | undefined>>;

export const GOOGLE_UNIVERSE = 'googleapis.com';

/** Matches the ID or the number of a project, also of one of a domain, as `example.com:payments`. */
export const PROJECT_ID = /^[a-z0-9][a-z0-9.:-]*$/i;

/** Matches a host, or a host with its port, with or without a scheme. It has neither a user nor a path. */
export const METADATA_HOST =
  /^(https?:\/\/)?[\w.-]+(:\d+)?\/?$|^(https?:\/\/)?\[[0-9a-f:]+\](:\d+)?\/?$/i;

/** The remedy for a credential that the driver cannot use. */
export const USE_TOKEN_SOURCE =
  'give `auth` an object with getAccessToken(), such as a GoogleAuth of google-auth-library';

export function isTokenSource(auth: unknown): auth is GoogleTokenSource {
  return (
    typeof auth === 'object' && auth !== null && typeof read(auth, 'getAccessToken') === 'function'
  );
}
