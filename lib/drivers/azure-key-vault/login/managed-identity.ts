import { variablesOf } from '../../../core/validation/given-options';
import type { HttpRequest, HttpSteps } from '../../http/wire/http-request';
import { storeError } from '../../http/wire/store-errors';
import type { TokenGrant, TokenLogin } from '../../http/login/token-session';
import type { Environment } from '../options/azure.options';
import { grantOf, METADATA_DIALECT } from './login-errors';

const METADATA_SERVICE = 'http://169.254.169.254';
const TOKEN_PATH = '/metadata/identity/oauth2/token';

export interface IdentityOptions {
  readonly clientId?: string;
  readonly endpoint?: string;
  readonly resource: string;
}

/** The login with the identity of the machine or the app. */
export class ManagedIdentityLogin implements TokenLogin {
  /** Metadata services repeat the same token until shortly before its end. */
  readonly renewBeforeEndMs = 225_000;
  readonly #request: HttpRequest;

  constructor(options: IdentityOptions, environment: Environment) {
    this.#request = appServiceRequest(options, environment) ?? machineRequest(options);
  }

  /** The origin of the metadata service. */
  get origin(): string {
    return new URL(this.#request.url).origin;
  }

  *logIn(): HttpSteps<TokenGrant> {
    const answer = yield this.#request;
    const grant = grantOf(answer);
    if (grant === undefined) throw storeError(answer, 'The login', METADATA_DIALECT);
    return grant;
  }
}

/** Returns the request to the service of an app, or `undefined` outside of App Service. */
function appServiceRequest(
  { endpoint, ...options }: IdentityOptions,
  environment: Environment,
): HttpRequest | undefined {
  const variable = variablesOf(environment);
  const [url, secret] = [variable('IDENTITY_ENDPOINT'), variable('IDENTITY_HEADER')];
  if (endpoint !== undefined || url === undefined || secret === undefined) return undefined;
  return tokenRequest(new URL(url), '2019-08-01', options, { 'x-identity-header': secret });
}

/** Returns the request to the metadata service of a machine. An `endpoint` without a path gets the usual one. */
function machineRequest({ endpoint = METADATA_SERVICE, ...options }: IdentityOptions): HttpRequest {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = TOKEN_PATH;
  return tokenRequest(url, '2018-02-01', options, { metadata: 'true' });
}

function tokenRequest(
  url: URL,
  version: string,
  { resource, clientId }: IdentityOptions,
  headers: Readonly<Record<string, string>>,
): HttpRequest {
  url.searchParams.set('api-version', version);
  url.searchParams.set('resource', resource);
  if (clientId !== undefined) url.searchParams.set('client_id', clientId);
  return { method: 'GET', url: url.href, headers };
}
