import type { CorrectSecretManager } from './correct.secret-manager';
import type { PathStore } from './path-store';

/** A manager with one defect. */
export interface Break {
  /** The defect, after "a manager that". */
  readonly what: string;
  /** A part of the title of the case that checks for this defect. */
  readonly killedBy: string;
  readonly Manager: new (store: PathStore) => CorrectSecretManager;
}
