import { kindOf, quoteName } from '../../../core/errors/wording';
import { isLoopback } from '../../../core/validation/loopback';
import type { Rule } from '../../../core/validation/option-rules';
import { secretNameProblem } from '../../../core/validation/secret-name';
import { proxyProblem } from '../../../sync/proxy';
import { ENVIRONMENT_PROBLEMS, type EnvironmentOptions } from './from-environment';
import { hostList } from '../../http/options/hosts';
import { unknownLoginOptionProblems, unknownOptionProblems } from './known-options';
import { headerValue, nonEmptyText, readableFile } from '../../http/options/option-rules';
import { tlsProblems as tlsOptionProblems } from '../../http/tls/tls';
import { DEFAULT_JWT_FILE, type VaultAuth, type VaultServerOptions } from './vault.options';

/** Returns every problem of the options. No problem quotes a secret. Sends no request. */
export function optionProblems(options: EnvironmentOptions): string[] {
  const { mount, pathPrefix, namespace, field, kvVersion = 2 } = options;
  return [
    addressProblem(options),
    mount !== undefined && pathProblem('mount', mount),
    pathPrefix !== undefined && pathProblem('pathPrefix', pathPrefix),
    namespace !== undefined && headerProblem('namespace', namespace),
    field !== undefined && textProblem('field', field),
    [1, 2, 'none'].includes(kvVersion) ? undefined : 'kvVersion must be 1, 2 or "none"',
    ...loginProblems(options),
    ...unknownOptionProblems(options),
    ...(options[ENVIRONMENT_PROBLEMS] ?? []),
  ].filter((problem) => typeof problem === 'string');
}

/** Returns every problem of the options of a server, and of those of `auth` and `tls` that are unknown. */
export function serverProblems(options: Partial<VaultServerOptions>): string[] {
  const { namespace } = options;
  return [
    addressProblem(options),
    namespace !== undefined && headerProblem('namespace', namespace),
    ...loginProblems(options),
    ...unknownLoginOptionProblems(options),
  ].filter((problem) => typeof problem === 'string');
}

function loginProblems(options: Partial<VaultServerOptions>): (string | undefined)[] {
  return [...authProblems(options.auth), ...tlsProblems(options), ...connectionProblems(options)];
}

function addressProblem({
  address,
  allowInsecureHttp,
}: Partial<VaultServerOptions>): string | undefined {
  const example = 'as "https://vault.example:8200"';
  if (address === undefined || address === '') return `address is missing: give it, ${example}`;
  const url = parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) return `address must be a URL, ${example}`;
  if (url.username || url.password) {
    return 'address holds a user name or a password: use `auth` for the login';
  }
  if (url.search || url.hash || !isBasePath(url.pathname)) return ADDRESS_END;
  if (url.protocol === 'https:' || isLoopback(url.hostname) || allowInsecureHttp) return undefined;
  return 'address begins with http:, which would send the token in the clear: use https:, or set allowInsecureHttp';
}

const ADDRESS_END =
  'address must end with the host, or with the path of a proxy, as "https://proxy.example/vault": /v1 is added to it';

function isBasePath(path: string): boolean {
  const base = trimSlashes(path);
  return !/(^|\/)v1$|\/\/|^\/|\/$/.test(base);
}

/** Returns `undefined` for an invalid URL. The error of `new URL` would quote the text. */
function parse(address: unknown): URL | undefined {
  return typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
}

export function pathProblem(option: string, given: unknown): string | undefined {
  const problem = secretNameProblem(typeof given === 'string' ? trimSlashes(given) : given);
  return problem && `${option} (${quoteName(given)}) ${problem}`;
}

/** Removes one slash at each end. A mount may be written as the server prints it, `secret/`. */
export function trimSlashes(path: string): string {
  const begun = path.startsWith('/') ? path.slice(1) : path;
  return begun.endsWith('/') ? begun.slice(0, -1) : begun;
}

function authProblems(auth: VaultAuth | undefined): (string | undefined)[] {
  switch (auth?.method) {
    case undefined:
      return [
        'auth is missing: give it, as { method: "token", token } or { method: "approle", roleId, secretId }',
      ];
    case 'token':
      return [headerProblem('auth.token', auth.token)];
    case 'token-file':
      return [fileProblem('auth.path', auth.path)];
    case 'approle':
      return [
        textProblem('auth.roleId', auth.roleId),
        auth.secretId !== undefined && auth.wrappedSecretId !== undefined
          ? 'auth has both secretId and wrappedSecretId: give one of them'
          : undefined,
        auth.wrappedSecretId === undefined
          ? undefined
          : headerProblem('auth.wrappedSecretId', auth.wrappedSecretId),
        mountProblem(auth),
      ];
    case 'userpass':
      return [
        textProblem('auth.username', auth.username),
        textProblem('auth.password', auth.password),
        mountProblem(auth),
      ];
    case 'jwt':
      return [
        textProblem('auth.role', auth.role),
        (auth.jwt === undefined) === (auth.jwtFile === undefined)
          ? 'auth needs one of jwt and jwtFile'
          : undefined,
        auth.jwtFile === undefined ? undefined : fileProblem('auth.jwtFile', auth.jwtFile),
        mountProblem(auth),
      ];
    case 'kubernetes':
      return [
        textProblem('auth.role', auth.role),
        fileProblem('auth.jwtFile', auth.jwtFile ?? DEFAULT_JWT_FILE),
        mountProblem(auth),
      ];
    case 'cert':
      return [mountProblem(auth)];
    case 'none':
      return [];
    default:
      return [
        'auth.method must be token, token-file, approle, userpass, jwt, kubernetes, cert or none',
      ];
  }
}

function mountProblem({ mount }: { readonly mount?: string }): string | undefined {
  return mount === undefined ? undefined : pathProblem('auth.mount', mount);
}

function tlsProblems({ tls = {}, auth }: Partial<VaultServerOptions>): readonly string[] {
  const hasCert = tls.cert !== undefined || tls.certFile !== undefined;
  return [
    ...tlsOptionProblems(tls),
    ...(auth?.method === 'cert' && !hasCert
      ? [
          'auth.method is cert, which needs a client certificate: give tls.cert or tls.certFile, and the key',
        ]
      : []),
  ];
}

function connectionProblems({
  proxy,
  noProxy,
  redirectHosts,
  retryDeniedWithFreshLogin,
}: Partial<VaultServerOptions>): (string | undefined)[] {
  const ofProxy = proxy === undefined ? undefined : proxyProblem(proxy);
  return [
    ofProxy && `proxy ${ofProxy}`,
    noProxy === undefined || typeof noProxy === 'string'
      ? undefined
      : `noProxy must be a string, and is ${kindOf(noProxy)}`,
    redirectHosts === undefined ? undefined : hostsProblem('redirectHosts', redirectHosts),
    [true, false, undefined].includes(retryDeniedWithFreshLogin)
      ? undefined
      : `retryDeniedWithFreshLogin must be true or false, and is ${kindOf(retryDeniedWithFreshLogin)}`,
  ];
}

const hostsProblem = sentenceOf(hostList('vault-2.example'));
const fileProblem = sentenceOf(readableFile);
const textProblem = sentenceOf(nonEmptyText);
const headerProblem = sentenceOf(headerValue);

function sentenceOf(rule: Rule): (option: string, given: unknown) => string | undefined {
  return (option, given) => {
    const problem = rule(given, option);
    return problem === undefined ? undefined : `${option} ${String(problem)}`;
  };
}
