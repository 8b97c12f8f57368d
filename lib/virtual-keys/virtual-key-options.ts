import type { OperationOptions, WriteOptions } from '../core/contract/custom-secret-manager';

/** A key that was created or replaced. The library hands its value out this one time. */
export interface StoredVirtualKey {
  /** The name of the secret that holds it. */
  readonly storedName: string;
  readonly value: string;
}

export interface VerifyOptions extends OperationOptions {
  /** The maximum age of the stored key, in milliseconds. 0 asks the store. Default: the bounds of the cache. */
  readonly maxAgeMs?: number;
  /**
   * The maximum age of the stored key while the store cannot be asked, in milliseconds. For as long, a key that was
   * revoked elsewhere may pass in an outage. Default: the bounds of the cache; 0 if `maxAgeMs` is given.
   */
  readonly staleIfErrorMs?: number;
}

export interface RotateVirtualKeyOptions extends WriteOptions {
  /** The time for which the replaced key is still verified, in milliseconds. Default 0: not at all. */
  readonly overlapMs?: number;
}
