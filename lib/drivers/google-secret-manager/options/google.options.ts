import type { MapName } from '../../http/options/mapped-names';
import type { GoogleConnectionOptions } from '../../google/google-connection';

/** The places of new secrets, in the words of Google's API. */
export interface GoogleReplication {
  /** Google chooses the places. */
  readonly automatic?: object;
  /** The places are chosen, as `{ replicas: [{ location: 'europe-west1' }] }`. */
  readonly userManaged?: object;
}

export interface GoogleSecretManagerOptions extends GoogleConnectionOptions {
  /**
   * The location of regional secrets, as `europe-west3`. They are apart from the global ones. Default: none, for
   * global secrets.
   */
  readonly location?: string;
  /**
   * Turns the name of a secret into an ID of letters, digits, `_` and `-`. `dashes` replaces `_`, `/` and `.` by `-`.
   *
   * Default: none, so that other names are `INVALID_ARGUMENT`.
   */
  readonly mapName?: MapName;
  /** The places of new global secrets. Default: `{ automatic: {} }`. */
  readonly replication?: GoogleReplication;
}
