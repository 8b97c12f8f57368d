import type { VaultAnswer } from '../wire/vault-answer';
import type { Grant } from './vault-login';

/** A token in use. */
export interface Credential {
  /** `undefined` if an agent adds its own token. */
  readonly token: string | undefined;
  /**
   * The time at which the token expires unless it is renewed, on the clock of `Credentials`. `Infinity` if the
   * token never expires, or if its lifetime is unknown.
   */
  readonly expiresAt: number;
  readonly isRenewable: boolean;
  /** The lifetime of the token when it was new. */
  readonly validForMs: number;
}

/** An answer of the server, with the credential that was sent. A lease in the answer ends with that token. */
export interface AuthorizedAnswer extends VaultAnswer {
  readonly credential: Credential;
}

/** Counts the lifetime from before the request. The server starts to count later, so no expired token is used. */
export function credentialOf(
  { token, validForMs, isRenewable }: Grant,
  askedAt: number,
): Credential {
  return { token, expiresAt: askedAt + validForMs, isRenewable, validForMs };
}
