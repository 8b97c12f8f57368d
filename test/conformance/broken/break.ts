import type { CorrectSecretManager } from './correct.secret-manager';
import type { PathStore } from './path-store';

/** A manager that is right but for one thing. */
export interface Break {
  /** What it does wrong: "a manager that ...". */
  readonly what: string;
  /** A part of the title of a case that is about just that. */
  readonly killedBy: string;
  readonly Manager: new (store: PathStore) => CorrectSecretManager;
}
