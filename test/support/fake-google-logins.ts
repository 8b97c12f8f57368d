import { verify, type KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface LoginAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The logins of the fake: metadata server, token endpoints, and the tokens that the store accepts. */
export class FakeGoogleLogins {
  /** The accepted tokens. */
  readonly tokens = new Set<string>();
  /** The public keys of service accounts, by e-mail address. */
  readonly accounts = new Map<string, KeyObject>();
  /** The lifetime of tokens, in seconds. */
  expiresIn = 3_600;
  /** The metadata server repeats its token until this is set. */
  metadataToken: string | undefined = 'canary-token-of-the-metadata-server';
  refreshToken = 'canary-of-the-refresh-token';
  subjectToken = 'canary-of-the-subject-token';
  /** Fails every login like this. */
  refusal: LoginAnswer | undefined;
  #tokens = 0;

  answer(
    method: string,
    path: string,
    headers: IncomingHttpHeaders,
    text: string,
  ): LoginAnswer | undefined {
    const isMetadata = path.startsWith('/computeMetadata/v1/');
    const isLogin = isMetadata || path === '/token' || path.endsWith(':generateAccessToken');
    if (!isLogin && path !== '/identity') return undefined;
    if (this.refusal !== undefined) return this.refusal;
    if (path === '/identity') return this.subject(headers);
    if (isMetadata) return this.metadata(path, headers);
    if (method !== 'POST') return { status: 405, body: {} };
    return path === '/token' ? this.token(new URLSearchParams(text)) : this.impersonate(headers);
  }

  accepts(authorization: string | undefined): boolean {
    const token = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
    return this.tokens.has(token) || this.isSelfSigned(token);
  }

  private metadata(path: string, headers: IncomingHttpHeaders): LoginAnswer {
    if (headers['metadata-flavor'] !== 'Google') return { status: 403, body: '<html>no</html>' };
    const flavor = { 'metadata-flavor': 'Google' };
    if (path.endsWith('/project/project-id')) {
      return { status: 200, headers: flavor, body: 'project-of-the-machine' };
    }
    if (this.metadataToken === undefined) return { status: 404, headers: flavor, body: '<html/>' };
    this.tokens.add(this.metadataToken);
    const grant = {
      access_token: this.metadataToken,
      expires_in: this.expiresIn,
      token_type: 'Bearer',
    };
    return { status: 200, headers: flavor, body: grant };
  }

  private token(form: URLSearchParams): LoginAnswer {
    const isUser = form.get('grant_type') === 'refresh_token';
    const isRight = isUser
      ? form.get('refresh_token') === this.refreshToken && form.get('client_id') !== null
      : form.get('grant_type') === GRANT && form.get('subject_token') === this.subjectToken;
    if (!isRight) {
      const error_description = `Bad request: ${form.toString()}`;
      return { status: 400, body: { error: 'invalid_grant', error_description } };
    }
    return { status: 200, body: { access_token: this.newToken(), expires_in: this.expiresIn } };
  }

  private impersonate({ authorization }: IncomingHttpHeaders): LoginAnswer {
    if (!this.accepts(authorization)) return unauthenticated();
    const expireTime = new Date(Date.now() + this.expiresIn * 1000).toISOString();
    return { status: 200, body: { accessToken: `${this.newToken()}`, expireTime } };
  }

  private subject(headers: IncomingHttpHeaders): LoginAnswer {
    if (headers['x-identity'] !== 'canary-of-a-header') return { status: 401, body: {} };
    return { status: 200, body: { id_token: this.subjectToken } };
  }

  private newToken(): string {
    const token = `canary-token-number-${(this.#tokens += 1)}`;
    this.tokens.add(token);
    return token;
  }

  private isSelfSigned(token: string): boolean {
    const [head = '', claims = '', signature = ''] = token.split('.');
    if (signature === '') return false;
    const { iss, aud, scope, exp } = JSON.parse(
      Buffer.from(claims, 'base64url').toString(),
    ) as Readonly<Record<string, string | number>>;
    const key = this.accounts.get(String(iss));
    const isForUs =
      aud === 'https://secretmanager.googleapis.com/' ||
      scope === 'https://www.googleapis.com/auth/cloud-platform';
    if (key === undefined || !isForUs || Number(exp) * 1000 < Date.now()) return false;
    return verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${claims}`),
      key,
      Buffer.from(signature, 'base64url'),
    );
  }
}

export function unauthenticated(reason = 'ACCESS_TOKEN_EXPIRED'): LoginAnswer {
  const details = [{ reason, domain: 'googleapis.com' }];
  const message = 'Request had invalid authentication credentials.';
  return {
    status: 401,
    body: { error: { code: 401, message, status: 'UNAUTHENTICATED', details } },
  };
}
