import { constants, createHash, verify, X509Certificate } from 'node:crypto';
import type { FakeAzureAnswer, FakeAzureRequest } from './fake-azure-key-vault';

export const TENANT = '00000000-0000-0000-0000-000000000001';
export const CLIENT_ID = '00000000-0000-0000-0000-000000000002';
export const CLIENT_SECRET = 'canary~client-secret~Qm7Rz2';
export const IDENTITY_HEADER = 'canary-identity-header-5b1d';
export const FEDERATED_TOKEN = 'canary.federated.token-8c3e';

export interface LoginSettings {
  /** The life of a token in seconds. Default 3 600. */
  readonly tokenSeconds?: number;
  /** PEM of the certificate that the application has. */
  readonly certificate?: string;
  /** Gives the same token at each login, as metadata services do. */
  readonly repeatsToken?: boolean;
  /** Answers in place of a login. */
  readonly interceptLogin?: (request: FakeAzureRequest) => FakeAzureAnswer | undefined;
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The logins of Azure: the login service, the metadata service of machines, and that of App Service. */
export class FakeAzureLogins {
  readonly requests: FakeAzureRequest[] = [];
  readonly #settings: () => LoginSettings;
  readonly #tokens = new Set<string>();
  #count = 0;

  constructor(settings: () => LoginSettings) {
    this.#settings = settings;
  }

  /** Makes the vault refuse every token so far. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /** Makes the vault accept a token. */
  accept(token: string): string {
    this.#tokens.add(token);
    return token;
  }

  isValid(token: string | undefined): boolean {
    return token !== undefined && this.#tokens.has(token);
  }

  /** Returns `undefined` for a request that is no login. */
  answer(request: FakeAzureRequest): FakeAzureAnswer | undefined {
    const { path } = request;
    const isLogin =
      path.endsWith('/oauth2/v2.0/token') ||
      path === '/metadata/identity/oauth2/token' ||
      path === '/msi/token';
    if (!isLogin) return undefined;
    this.requests.push(request);
    const intercepted = this.#settings().interceptLogin?.(request);
    if (intercepted !== undefined) return intercepted;
    if (path.startsWith('/metadata/')) return this.machine(request);
    return path === '/msi/token' ? this.appService(request) : this.directory(request);
  }

  private directory({ method, path, body }: FakeAzureRequest): FakeAzureAnswer {
    const form = new URLSearchParams(body);
    const isRight =
      method === 'POST' &&
      path === `/${TENANT}/oauth2/v2.0/token` &&
      form.get('grant_type') === 'client_credentials' &&
      form.get('client_id') === CLIENT_ID &&
      form.get('scope') === 'https://vault.azure.net/.default';
    const isProven =
      form.get('client_secret') === CLIENT_SECRET ||
      (form.get('client_assertion_type') === JWT_BEARER &&
        this.isAssertion(form.get('client_assertion') ?? ''));
    if (!isRight || !isProven) return refused('invalid_client', 'AADSTS7000215');
    const { tokenSeconds = 3_600 } = this.#settings();
    const life = { expires_in: tokenSeconds, ext_expires_in: tokenSeconds };
    return { status: 200, body: { token_type: 'Bearer', ...life, access_token: this.token() } };
  }

  private machine({ headers, query }: FakeAzureRequest): FakeAzureAnswer {
    const isRight =
      headers.metadata === 'true' &&
      query.get('api-version') === '2018-02-01' &&
      query.get('resource') === 'https://vault.azure.net';
    if (!isRight) return refused('invalid_request', 'Identity not found');
    const { tokenSeconds = 3_600 } = this.#settings();
    const life = { expires_in: String(tokenSeconds), expires_on: endOf(tokenSeconds) };
    return { status: 200, body: { ...life, access_token: this.token(), token_type: 'Bearer' } };
  }

  private appService({ headers, query }: FakeAzureRequest): FakeAzureAnswer {
    const isRight =
      headers['x-identity-header'] === IDENTITY_HEADER &&
      query.get('api-version') === '2019-08-01' &&
      query.get('resource') === 'https://vault.azure.net';
    if (!isRight) return { status: 403, body: { error: { code: 'Forbidden', message: 'No.' } } };
    const { tokenSeconds = 3_600 } = this.#settings();
    const life = { expires_on: endOf(tokenSeconds) };
    return { status: 200, body: { ...life, access_token: this.token(), token_type: 'Bearer' } };
  }

  private token(): string {
    if (!this.#settings().repeatsToken || this.#count === 0) this.#count += 1;
    return this.accept(`canary-access-token-${this.#count}`);
  }

  /** Checks a JWT of the certificate, or the token of a service account. */
  private isAssertion(assertion: string): boolean {
    if (assertion === FEDERATED_TOKEN) return true;
    const { certificate } = this.#settings();
    if (certificate === undefined || assertion.split('.').length !== 3) return false;
    const { publicKey, raw } = new X509Certificate(certificate);
    const [header = '', claims = '', signature = ''] = assertion.split('.');
    const { alg, 'x5t#S256': thumbprint } = decoded(header);
    const { iss, sub, aud, exp, nbf, jti } = decoded(claims);
    const now = Date.now() / 1_000;
    return (
      alg === 'PS256' &&
      thumbprint === createHash('sha256').update(raw).digest('base64url') &&
      [iss, sub].every((id) => id === CLIENT_ID) &&
      String(aud).endsWith(`/${TENANT}/oauth2/v2.0/token`) &&
      Number(nbf) <= now &&
      now < Number(exp) &&
      typeof jti === 'string' &&
      verify(
        'sha256',
        Buffer.from(`${header}.${claims}`),
        {
          key: publicKey,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
        },
        Buffer.from(signature, 'base64url'),
      )
    );
  }
}

function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
}

function refused(error: string, code: string): FakeAzureAnswer {
  const error_description = `${code}: Invalid client. Trace ID: canary-of-a-refused-login`;
  return { status: 401, body: { error, error_description } };
}

function endOf(seconds: number): string {
  return String(Math.floor(Date.now() / 1_000) + seconds);
}
