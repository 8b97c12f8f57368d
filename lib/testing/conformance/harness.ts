import type { CustomSecretManager } from '../../core/contract/custom-secret-manager';
import type { Fault } from '../in-memory.secret-manager';

/**
 * What a manager may be without; the cases about it are skipped, visibly. `sync` is also lacking where the store lives in the
 * thread of the test: a thread that waits cannot answer.
 */
export type Capability =
  'write' | 'delete' | 'recovery' | 'sync' | 'createOnly' | 'versions' | 'health' | 'emptyValues';

/** How the kit gets at a manager and at its store. */
export interface ConformanceHarness {
  /** A manager on an empty store; once a case. */
  create(): CustomSecretManager | Promise<CustomSecretManager>;
  /** Puts a secret there behind the manager's back. It may throw for a name that the store cannot have. */
  seed(name: string, value: string): void | Promise<void>;
  /** Breaks the store; `undefined` heals it. Without it the cases about failures are skipped. */
  fail?(fault: Fault | undefined): void | Promise<void>;
  /** The faults that the store can have; the cases about others are skipped. Default: all. A file is never `throttled`. */
  readonly faults?: readonly Fault[];
  /**
   * Sees to it that this one secret cannot be read: denies it, or puts there what is no value. Without it the cases about
   * one secret of several that fails are skipped.
   */
  spoil?(name: string): void | Promise<void>;
  /** After each case; the manager is closed by then. */
  dispose?(): void | Promise<void>;
  readonly lacks?: readonly Capability[];
  /** What must not stand in any error, besides the values of the kit: a token, a password. */
  readonly canaries?: readonly string[];
  /** After how long a case fails, in milliseconds. Default 4 000: sooner than the usual test runners give up. */
  readonly caseTimeoutMs?: number;
}

/** One sentence about a manager, to be given to any test runner: `for (const c of cases) it(c.title, c.run)`. */
export interface ConformanceCase {
  readonly title: string;
  /** Why the case does not apply. Such a case is to be skipped; its `run` rejects. */
  readonly skip?: string;
  /** Rejects with what was expected and what was seen. */
  run(): Promise<void>;
}

/** A case before it is bound to a harness. */
export interface CaseDefinition {
  readonly title: string;
  readonly needs?: readonly Capability[];
  /** How the harness has to be able to break the store. */
  readonly fault?: Fault;
  /** Whether the harness has to be able to spoil one secret. */
  readonly spoilsSecret?: boolean;
  run(subject: Subject): Promise<void>;
}

/** A manager under test, with its store. */
export interface Subject {
  readonly manager: CustomSecretManager;
  seed(name: string, value: string): Promise<void>;
  fail(fault: Fault | undefined): Promise<void>;
  spoil(name: string): Promise<void>;
  readonly canaries: readonly string[];
  readonly lacks: readonly Capability[];
}
