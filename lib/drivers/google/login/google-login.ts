import type { HttpSteps } from '../../http/wire/http-request';
import type { TokenGrant, TokenLogin } from '../../http/login/token-session';
import { userToken } from './authorized-user';
import type { Credential, CredentialFacts } from '../credentials/credential';
import type { CredentialSource } from '../credentials/credential-source';
import { externalToken } from './external-account';
import type { CredentialObject } from '../../http/login/credential-object';
import { GOOGLE_UNIVERSE, type GoogleTokenSource } from '../credentials/google-auth';
import { METADATA_RENEWAL_MS, metadataProject, metadataToken } from './metadata-server';
import { selfSignedToken } from './service-account';
import { sourceLogin } from './token-source';

const NO_FACTS: CredentialFacts = { universe: GOOGLE_UNIVERSE };

/** The login at Google with whatever credential there is. Each login reads the credential again. */
export class GoogleLogin implements TokenLogin {
  readonly #manager: string;
  readonly #credentials: CredentialSource;
  readonly #audience: string;
  #current: Credential | undefined;
  #sourceLogin: CredentialObject | undefined;
  #issuedAt = 0;

  /** @param audience the service of a self-signed token, as `https://secretmanager.googleapis.com/` */
  constructor(manager: string, credentials: CredentialSource, audience: string) {
    this.#manager = manager;
    this.#credentials = credentials;
    this.#audience = audience;
  }

  get renewBeforeEndMs(): number | undefined {
    return this.#current?.type === 'metadata' ? METADATA_RENEWAL_MS : undefined;
  }

  *logIn(): HttpSteps<TokenGrant> {
    const credential = this.#credentials.read();
    this.#current = credential;
    switch (credential.type) {
      case 'metadata':
        return yield* metadataToken(credential);
      case 'service_account':
        return selfSignedToken(credential, this.#audience, this.issueTime());
      case 'authorized_user':
        return yield* userToken(credential);
      case 'external_account':
        return yield* externalToken(credential);
      case 'token source':
        return yield* this.sourceLogin(credential.source).logIn();
    }
  }

  /** Returns what the credential file says about itself. Throws `MISCONFIGURED` if it is unusable. */
  facts(): CredentialFacts {
    const credential = this.credential();
    return 'universe' in credential ? credential : NO_FACTS;
  }

  /** Requests the project from the metadata server, if that is the login. */
  *metadataProject(): HttpSteps<string | undefined> {
    const credential = this.credential();
    return credential.type === 'metadata' ? yield* metadataProject(credential) : undefined;
  }

  /** Ends the wait for an object of the application. */
  close(): void {
    this.#sourceLogin?.close();
  }

  private credential(): Credential {
    return (this.#current ??= this.#credentials.read());
  }

  /** Returns the time in seconds. Two tokens in a row differ, because the second one replaces a refused one. */
  private issueTime(): number {
    const now = Math.floor(Date.now() / 1000);
    return (this.#issuedAt = now === this.#issuedAt ? now - 1 : now);
  }

  private sourceLogin(source: GoogleTokenSource): CredentialObject {
    return (this.#sourceLogin ??= sourceLogin(this.#manager, source));
  }
}
