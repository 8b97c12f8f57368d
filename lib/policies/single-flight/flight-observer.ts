import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { SharedRead } from './flight';

/** Receives the outcome of each call, before its waiters do. */
export interface FlightObserver {
  /**
   * Handles an answer.
   *
   * @param startedAt the start of the call, because no answer is younger than its question
   */
  onAnswer(read: SharedRead, reading: SecretReading | undefined, startedAt: number): void;
  onFailure(read: SharedRead, error: unknown): void;
  /** Handles a call without an outcome to keep: it was superseded, or its callers have left. */
  onDiscard(read: SharedRead): void;
}
