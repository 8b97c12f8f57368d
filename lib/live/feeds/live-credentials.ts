import type { SecretChangeListener } from '../../core/contract/secret-change';
import { liveFields, type Fields, type LiveFields } from './live-fields';
import type { LiveValue } from './live-value';

/** User and password in one value. `username` wins over `user`. */
export interface LoginFields {
  readonly username?: string;
  readonly user?: string;
  readonly password: string;
}

/**
 * User and password that change. Either one secret that holds both, as JSON or as an object, or two handles.
 *
 * With one secret, user and password always come from the same reading. With two handles a pair may not fit for a
 * moment, while only one of the two has changed.
 */
export type LiveCredentials =
  { readonly user: LiveValue; readonly password: LiveValue } | LiveValue<string | LoginFields>;

/** The login of a moment. */
export interface Login {
  readonly user: string | undefined;
  readonly password: string;
}

export interface LiveLogin {
  /** The names of the secrets, quoted. */
  readonly names: string;
  reveal(): Login;
  get(): Promise<Login>;
  onChange(listener: SecretChangeListener): () => void;
  /** Reads the secrets again if they still hold the login that was refused. */
  renew(refused: Login): void;
}

const HANDLES = { required: ['password'], optional: ['user', 'username'] };

/** Returns the login of the credentials. Throws `INVALID_ARGUMENT` for what holds no handle. */
export function liveLogin(feed: string, credentials: LiveCredentials): LiveLogin {
  const fields = liveFields(feed, credentials, HANDLES);
  return {
    names: fields.names,
    reveal: () => toLogin(fields.reveal()),
    get: async () => toLogin(await fields.get()),
    onChange: (listener) => fields.onChange(listener),
    renew: (refused) => {
      if (isHeld(refused, fields)) fields.renew();
    },
  };
}

function isHeld({ user, password }: Login, fields: LiveFields): boolean {
  try {
    const held = toLogin(fields.reveal());
    return held.user === user && held.password === password;
  } catch {
    return true; // what cannot be read is worth a read
  }
}

function toLogin({ text, optionalText }: Fields): Login {
  return { user: optionalText('username', 'user'), password: text('password') };
}
