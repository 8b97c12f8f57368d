/** The state of an instance in its fleet. Counts begin at the start. */
export interface FleetStatus {
  /** The connection to the broker: `off` without the option `fleet`, and `cut` while changes of others are not heard. */
  readonly state: 'connected' | 'cut' | 'off';
  /** The time since the state began, in milliseconds. */
  readonly sinceMs: number;
  /** The accepted messages of other instances. */
  readonly received: number;
  /** The messages that were dropped: forged, foreign, too old, or seen before. */
  readonly refused: number;
  /** The messages that this instance has published. */
  readonly published: number;
  /** The announced names that have not come back from the broker yet. */
  readonly pending: number;
}

/** The status of an instance without a fleet. */
export const NO_FLEET: FleetStatus = {
  state: 'off',
  sinceMs: 0,
  received: 0,
  refused: 0,
  published: 0,
  pending: 0,
};
