import type { VaultAnswer } from '../wire/request-handler';
import type { Grant } from './vault-login';

/** A token in use. */
export interface Credential {
  /** `undefined` where an agent adds its own. */
  readonly token: string | undefined;
  /** When the server forgets it, unless it is renewed. On the clock of `Credentials`; `Infinity` if never, or not known. */
  readonly expiresAt: number;
  readonly isRenewable: boolean;
  /** For how long it was valid when it was new. */
  readonly validForMs: number;
}

/** What the server answers, and to whom: what it grants dies with that token. */
export interface AuthorizedAnswer extends VaultAnswer {
  readonly credential: Credential;
}

/** The server counts from some moment after it was asked, so that no token is used too long. */
export function credentialOf(
  { token, validForMs, isRenewable }: Grant,
  askedAt: number,
): Credential {
  return { token, expiresAt: askedAt + validForMs, isRenewable, validForMs };
}
