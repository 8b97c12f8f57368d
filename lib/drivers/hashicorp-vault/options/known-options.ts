import { kindOf } from '../../../core/errors/wording';
import { unknownOptions } from '../../../core/validation/option-rules';
import type {
  GivenVaultOptions,
  VaultAuth,
  VaultSecretManagerOptions,
  VaultServerOptions,
  VaultTls,
} from './vault.options';

type Fields<Options> = Readonly<Record<keyof Options, true>>;

const OPTIONS: Fields<VaultSecretManagerOptions> = {
  address: true,
  auth: true,
  namespace: true,
  mount: true,
  kvVersion: true,
  pathPrefix: true,
  field: true,
  tls: true,
  redirectHosts: true,
  proxy: true,
  noProxy: true,
  retryDeniedWithFreshLogin: true,
  startsSyncReads: true,
  allowInsecureHttp: true,
};

const TLS: Fields<VaultTls> = {
  ca: true,
  caFile: true,
  cert: true,
  certFile: true,
  key: true,
  keyFile: true,
};

type AuthFields = {
  readonly [Method in VaultAuth['method']]: Fields<Extract<VaultAuth, { method: Method }>>;
};

const AUTH: AuthFields = {
  token: { method: true, token: true },
  'token-file': { method: true, path: true },
  approle: { method: true, roleId: true, secretId: true, wrappedSecretId: true, mount: true },
  userpass: { method: true, username: true, password: true, mount: true },
  jwt: { method: true, role: true, jwt: true, jwtFile: true, mount: true },
  kubernetes: { method: true, role: true, jwtFile: true, mount: true },
  cert: { method: true, name: true, mount: true },
  none: { method: true },
};

/**
 * Returns one problem for each unknown option, including those of `tls` and `auth`. Each login method has its own
 * options.
 */
export function unknownOptionProblems(options: GivenVaultOptions): readonly string[] {
  return [...unknownIn(options, OPTIONS, ''), ...unknownLoginOptionProblems(options)];
}

/** Returns one problem for each unknown option of `tls` and `auth`. */
export function unknownLoginOptionProblems({
  auth,
  tls,
}: Partial<VaultServerOptions>): readonly string[] {
  return [...unknownIn(tls, TLS, 'tls'), ...unknownIn(auth, fieldsOf(auth), 'auth')];
}

function unknownIn(given: unknown, fields: object | undefined, name: string): readonly string[] {
  if (given === undefined || fields === undefined) return [];
  if (typeof given !== 'object' || given === null)
    return [`${name} must be an object, and is ${kindOf(given)}`];
  return unknownOptions(given, Object.keys(fields), name && `${name}.`);
}

/** Returns `undefined` for an unknown login method. */
function fieldsOf(auth: VaultAuth | undefined): object | undefined {
  const method: unknown = auth?.method;
  return typeof method === 'string' && Object.hasOwn(AUTH, method)
    ? AUTH[method as VaultAuth['method']]
    : undefined;
}
