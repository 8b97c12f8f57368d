import type { KeyObject } from 'node:crypto';
import type { GoogleTokenSource } from './google-auth';

/** The facts of a credential file beside its secrets. */
export interface CredentialFacts {
  /** The domain of the services, as in `secretmanager.googleapis.com`. */
  readonly universe: string;
  readonly projectId?: string;
  readonly quotaProjectId?: string;
}

export interface ServiceAccount extends CredentialFacts {
  readonly type: 'service_account';
  readonly email: string;
  readonly keyId?: string;
  readonly privateKey: KeyObject;
}

export interface AuthorizedUser extends CredentialFacts {
  readonly type: 'authorized_user';
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  readonly tokenUrl: string;
}

/** The place of a token of another identity provider: a file, or the answer of a URL. */
export interface SubjectSource {
  readonly file?: string;
  readonly url?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The field of JSON that holds the token. Without it the whole text is the token. */
  readonly field?: string;
}

/** The federation of another identity provider. */
export interface ExternalAccount extends CredentialFacts {
  readonly type: 'external_account';
  readonly audience: string;
  readonly subjectTokenType: string;
  readonly subject: SubjectSource;
  readonly tokenUrl: string;
  readonly impersonationUrl?: string;
  readonly lifetimeSeconds: number;
}

export type FileCredential = ServiceAccount | AuthorizedUser | ExternalAccount;

export interface MetadataCredential {
  readonly type: 'metadata';
  readonly host: string;
  /** `true` if nothing but the default order led to the metadata server. */
  readonly isGuess: boolean;
}

export interface TokenSourceCredential {
  readonly type: 'token source';
  readonly source: GoogleTokenSource;
}

export type Credential = FileCredential | MetadataCredential | TokenSourceCredential;
