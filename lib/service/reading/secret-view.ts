import type { GetOptions } from '../../core/contract/get-options';
import type { ServedSecret } from '../../core/contract/secret';
import type { SecretManagerError } from '../../core/errors/secret-manager.error';

/** The limits of a call: the largest ages, its params, and whether an empty value is accepted. */
export type ReadLimits = Pick<GetOptions, 'maxAgeMs' | 'staleIfErrorMs' | 'params' | 'allowEmpty'>;

/** The value that a handle serves, and the text of which it was made. */
export interface Served<Value> {
  readonly text: string;
  readonly value: Value;
  /** The facts of an accepted version. Missing for a text that did not come from the store. */
  readonly facts?: ServedSecret;
}

/** The typed form of a secret, which accepts or refuses each text. */
export interface SecretView<Value> {
  /**
   * Returns the value of the text. Returns the last accepted value for a text that is refused, and for a
   * `MALFORMED` reading. Throws `MALFORMED` if there is none, or if it is too old.
   */
  serve(text: string | SecretManagerError, limits?: ReadLimits): Served<Value>;
}
