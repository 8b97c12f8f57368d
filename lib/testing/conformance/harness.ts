import type { CustomSecretManager } from '../../core/contract/custom-secret-manager';
import type { Fault } from '../given-fault';

/**
 * A capability that a manager may lack. The cases about it are then skipped visibly. `sync` is also lacking if the
 * store runs in the thread of the test: a waiting thread cannot answer.
 */
export type Capability =
  | 'write'
  | 'delete'
  | 'recovery'
  | 'sync'
  | 'createOnly'
  | 'versions'
  | 'health'
  | 'emptyValues'
  | 'describing'
  | 'caseSensitiveNames';

/** The access of the kit to a manager and its store. */
export interface ConformanceHarness {
  /** Creates a manager on an empty store. Called once per case. */
  create(): CustomSecretManager | Promise<CustomSecretManager>;
  /** Stores a secret without the manager. May throw for a name that the store cannot have. */
  seed(name: string, value: string): void | Promise<void>;
  /** Breaks the store; `undefined` heals it. Without this method, the cases about failures are skipped. */
  fail?(fault: Fault | undefined): void | Promise<void>;
  /**
   * The faults that the store can have. The cases about others are skipped. Default: all. A file is never
   * `throttled`.
   */
  readonly faults?: readonly Fault[];
  /**
   * Makes this one secret unreadable: denies it, or stores something that is no value. Without this method, the cases
   * about one failing secret of several are skipped.
   */
  spoil?(name: string): void | Promise<void>;
  /** Cleans up after each case. The manager is already closed. */
  dispose?(): void | Promise<void>;
  readonly lacks?: readonly Capability[];
  /**
   * Tells which names the store can have. The manager has to refuse the others with `INVALID_ARGUMENT`. Default: a name
   * is impossible if `seed` throws.
   */
  readonly names?: { isPossible(name: string): boolean };
  /** The size of the largest value that the store takes, in bytes of UTF-8. Default: no limit. */
  readonly maxValueBytes?: number;
  /** Texts that no error may hold, besides the values of the kit: a token, a password. */
  readonly canaries?: readonly string[];
  /**
   * The time after which a case fails, in milliseconds. Default 4 000: less than the limit of common test runners.
   */
  readonly caseTimeoutMs?: number;
}

/** One sentence about a manager, for any test runner: `for (const c of cases) it(c.title, c.run)`. */
export interface ConformanceCase {
  readonly title: string;
  /** The reason why the case does not apply. Skip such a case: its `run` rejects. */
  readonly skip?: string;
  /** Rejects with the expected and the actual result. */
  run(): Promise<void>;
}

/** A case before it is bound to a harness. */
export interface CaseDefinition {
  readonly title: string;
  readonly needs?: readonly Capability[];
  /** The fault that the harness has to be able to cause. */
  readonly fault?: Fault;
  /** The size of the value that the case stores, in bytes. Default: small. */
  readonly valueBytes?: number;
  /** Requires a harness that can spoil one secret. */
  readonly spoilsSecret?: boolean;
  run(subject: Subject): Promise<void>;
}

/** A manager under test, with its store. */
export interface Subject {
  readonly manager: CustomSecretManager;
  seed(name: string, value: string): Promise<void>;
  fail(fault: Fault | undefined): Promise<void>;
  spoil(name: string): Promise<void>;
  /** Returns whether the store can have the name. Returns `undefined` if the harness does not tell. */
  isPossible(name: string): boolean | undefined;
  readonly canaries: readonly string[];
  readonly lacks: readonly Capability[];
}
