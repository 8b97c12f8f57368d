import { type HealthIndicatorResult } from '@nestjs/terminus';
import { type CircuitState, type SecretManagerErrorCode } from 'nestjs-custom-secret-manager';

export interface Findings {
  readonly status: HealthIndicatorResult[string]['status'];
  readonly code?: SecretManagerErrorCode;
  /** The duration of the health check. */
  readonly latencyMs?: number;
  readonly circuit: CircuitState;
  /** The time for which reads still fail at once. */
  readonly retryAfterMs?: number;
}

/** Returns the finding of the last health check, as a sentence. */
export function checkInWords({ status, code = 'UNKNOWN', latencyMs }: Findings): string {
  const took =
    latencyMs === undefined ? '' : ` ${status === 'up' ? 'in' : 'after'} ${latencyMs} ms`;
  if (status === 'up') return `The store answered${took}.`;
  return `${FAILURES[code] ?? 'The check failed'} (${code}${took}).`;
}

/** Returns the outcome of a read that the cache cannot answer, as a sentence. */
export function readsInWords({ status, circuit, retryAfterMs = 0 }: Findings): string {
  if (circuit === 'half-open')
    return 'Paused after repeated failures. The next read tries the store.';
  if (circuit === 'open') {
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
    return `Paused after repeated failures. Next try in ${seconds} s.`;
  }
  return status === 'up'
    ? 'The store is asked normally.'
    : 'Not paused: each read still tries the store.';
}

const FAILURES: Readonly<Partial<Record<SecretManagerErrorCode, string>>> = {
  UNAVAILABLE: 'The store is not available',
  TIMEOUT: 'The store did not answer in time',
  THROTTLED: 'The store asks to come back later',
  ACCESS_DENIED: 'The store refused the gateway',
  UNAUTHENTICATED: 'The store did not accept who the gateway says it is',
  MALFORMED: 'What answers is not the store',
  MISCONFIGURED: 'The gateway is not configured right for the store',
};
