import type { FleetEntry } from '../../policies/compose';
import type { ResolvedFleetOptions } from '../fleet-options';

export interface FleetSetup extends ResolvedFleetOptions {
  readonly id: string;
  /** The name of the manager in warnings. */
  readonly manager: string;
  /** The pipeline of the instance, which the changes of the others reach. */
  readonly changes: FleetEntry;
  readonly warn: (message: string) => void;
}
