import { variableOf } from '../../core/validation/given-options';
import type { OperationOptions } from '../../core/contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../../core/errors/secret-manager.error';
import { isRecord } from '../../core/validation/option-rules';
import { HttpClients } from '../http/wire/http-clients';
import type { HttpAnswer, HttpRequest, HttpSteps } from '../http/wire/http-request';
import type { ConnectionSettings } from '../http/options/option-rules';
import { waitOrBlock } from '../http/wire/steps';
import { TokenSession } from '../http/login/token-session';
import { waitFor } from '../http/wire/waiting';
import { CredentialSource, DEFAULT_METADATA_HOST } from './credentials/credential-source';
import {
  GOOGLE_UNIVERSE,
  type GoogleAuth,
  type GoogleEnvironment,
} from './credentials/google-auth';
import { isRefusedByGoogle } from './errors/google-errors';
import { GoogleLogin } from './login/google-login';
import { metadataOrigin } from './login/metadata-server';

const PROJECT_TIMEOUT_MS = 10_000;

/** The options of every driver for a service of Google. */
export interface GoogleConnectionOptions extends ConnectionSettings {
  /**
   * The project. Default: `GOOGLE_CLOUD_PROJECT`, the project of the credential file, the project of the machine.
   */
  readonly projectId?: string;
  /** The login. Default: the order of Application Default Credentials. */
  readonly auth?: GoogleAuth;
  /** The address of the service. Default: that of Google, in the universe of the credential file. */
  readonly endpoint?: string;
  /** The project whose quota the calls use. Default: that of the credential file, if it names one. */
  readonly quotaProjectId?: string;
}

export interface GoogleService {
  /** The first part of the host, as `secretmanager`. */
  readonly name: string;
  /** The location of a regional endpoint. */
  readonly location?: string;
}

/** The address of a service of Google and the login there. A token goes to that address only. */
export class GoogleConnection {
  readonly clients: HttpClients;
  readonly #loginClients: HttpClients;
  readonly #options: GoogleConnectionOptions;
  readonly #environment: GoogleEnvironment;
  readonly #service: GoogleService;
  readonly #login: GoogleLogin;
  readonly #session: TokenSession;
  readonly #context: OperationContext;
  #metadataProject: string | undefined;
  #askingProject: Promise<string | undefined> | undefined;

  constructor(
    manager: string,
    options: GoogleConnectionOptions,
    service: GoogleService,
    environment: GoogleEnvironment,
  ) {
    this.#context = { manager, operation: 'login' };
    this.#options = options;
    this.#environment = environment;
    this.#service = service;
    const credentials = new CredentialSource(options.auth, environment);
    const audience = `https://${service.name}.${GOOGLE_UNIVERSE}/`;
    this.#login = new GoogleLogin(manager, credentials, audience);
    const { proxy, noProxy } = withoutMetadata(options, environment);
    const origin = options.endpoint ?? originOf(service, GOOGLE_UNIVERSE);
    this.clients = new HttpClients(manager, { origin: hostOf(origin), proxy, noProxy });
    const loginOrigin = `https://oauth2.${GOOGLE_UNIVERSE}`;
    this.#loginClients = new HttpClients(manager, { origin: loginOrigin, proxy, noProxy });
    this.#session = new TokenSession(manager, {
      login: this.#login,
      loginClients: this.#loginClients,
      authorize: (request, token) => this.authorize(request, token),
      isRefused: isRefusedByGoogle,
    });
  }

  /** Sends a request with a valid token. @param path begins with `/v1/` and is encoded */
  *send(
    { path, ...request }: Omit<HttpRequest, 'url'> & { readonly path: string },
    options: OperationOptions,
  ): HttpSteps<HttpAnswer> {
    return yield* this.#session.send({ ...request, url: this.origin() + path }, options);
  }

  /** Returns the project. Asks the metadata server once, if nothing else names one. */
  *projectId(options: OperationOptions): HttpSteps<string> {
    const known = this.knownProjectId() ?? this.#metadataProject;
    if (known !== undefined) return known;
    const asked = yield* waitOrBlock({
      wait: () => waitFor(this.sharedProject(), options, this.#context),
      block: () => this.#loginClients.runSync(this.#login.metadataProject(), options),
    });
    if (asked === undefined) throw noProject();
    return (this.#metadataProject = asked);
  }

  /** Closes the connections of the login. Logins in flight fail. */
  async closeLogin(): Promise<void> {
    this.#login.close();
    await this.#loginClients.close();
  }

  /** Concurrent callers share one request. */
  private sharedProject(): Promise<string | undefined> {
    this.#askingProject ??= this.#loginClients
      .run(this.#login.metadataProject(), { timeoutMs: PROJECT_TIMEOUT_MS })
      .finally(() => (this.#askingProject = undefined));
    return this.#askingProject;
  }

  private knownProjectId(): string | undefined {
    const ofVariable = variableOf(this.#environment, 'GOOGLE_CLOUD_PROJECT');
    return this.#options.projectId ?? ofVariable ?? this.#login.facts().projectId;
  }

  private origin(): string {
    const { endpoint } = this.#options;
    if (endpoint !== undefined) return hostOf(endpoint);
    return originOf(this.#service, this.#login.facts().universe);
  }

  private authorize(request: HttpRequest, token: string): HttpRequest {
    const quotaProjectId = this.#options.quotaProjectId ?? this.#login.facts().quotaProjectId;
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    return quotaProjectId === undefined
      ? { ...request, headers }
      : { ...request, headers: { ...headers, 'x-goog-user-project': quotaProjectId } };
  }
}

function originOf({ name, location }: GoogleService, universe: string): string {
  const host = location === undefined ? name : `${name}.${location}.rep`;
  return `https://${host}.${universe}`;
}

/** Returns the origin of a URL. Wrong options are reported before any request, so that their origin is never used. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url;
}

/** The metadata server is on this machine. A proxy would answer for another one. */
function withoutMetadata(
  { proxy, noProxy, auth }: GoogleConnectionOptions,
  environment: GoogleEnvironment,
): ConnectionSettings {
  if (proxy === undefined) return {};
  const given = isRecord(auth) && 'host' in auth ? auth.host : undefined; // only the login of the metadata server has one
  const ofVariable = variableOf(environment, 'GCE_METADATA_HOST');
  const hosts = [DEFAULT_METADATA_HOST, '169.254.169.254', ofVariable, given]
    .filter((host) => typeof host === 'string')
    .map((host) => metadataOrigin(host).replace(/^https?:\/\//, ''));
  return { proxy, noProxy: [noProxy, ...hosts].filter((host) => host !== undefined).join(',') };
}

function noProject(): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', `${NO_PROJECT}.`);
}

export const NO_PROJECT =
  'projectId is missing, and the credential names none: give it, or set GOOGLE_CLOUD_PROJECT';
