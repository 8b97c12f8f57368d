import type { CallOptions } from '../../core/calls/cancellation';
import { hasCode } from '../../core/errors/secret-manager.error';
import { now } from '../../core/time/clock';
import type { ReadFlight } from './flights';

/** The time by which a timer of a manager may fire too early, in milliseconds. */
const TIMER_SLACK_MS = 20;

/** Returns the options of a fresh read for the waiters of a superseded flight: the time left, with retries. */
export function freshReadOptions(flight: ReadFlight): CallOptions {
  const { params, timeoutMs, signal } = flight.callOptions();
  return { params, timeoutMs, signal };
}

/** Returns whether a call was cancelled because its callers left. Such a call says nothing about the store. */
export function isAbandoned({ reason }: ReadFlight, error: unknown): boolean {
  return reason !== undefined && hasCode(error, 'CANCELLED');
}

/** Returns whether an attempt ended with its deadline, while a caller with more time has joined. */
export function isOutlived(flight: ReadFlight, endsAt: number, error: unknown): boolean {
  const hasTimeLeft = flight.isAwaited && flight.endsAt > endsAt && !flight.isSuperseded;
  return hasTimeLeft && hasCode(error, 'TIMEOUT') && now() >= endsAt - TIMER_SLACK_MS;
}
