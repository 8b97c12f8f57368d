/**
 * The cause of a change: a read found it, this registration wrote it, another instance announced it, or the store
 * reported it (`watchSecrets`).
 */
export type SecretChangeSource = 'read' | 'write' | 'fleet' | 'watch';

/** A changed secret, never its value. */
export interface SecretChange {
  readonly name: string;
  /** The name of the manager, as in errors and logs. */
  readonly manager: string;
  /** The version of the new value, if the store reports versions. */
  readonly version?: string;
  /** The version of the value before. Missing after an absence. */
  readonly previousVersion?: string;
  /** The time at which this registration found the change. */
  readonly at: Date;
  readonly source: SecretChangeSource;
}

/** Called once for each change. A returned promise is not awaited. */
export type SecretChangeListener = (change: SecretChange) => void | Promise<void>;

export interface UseOptions {
  /**
   * Returns whether an error of the work means that the secret was rejected. Default: `credentialsRejected` of
   * `nestjs-custom-secret-manager/live`.
   */
  readonly isRejected?: (error: unknown) => boolean;
}
