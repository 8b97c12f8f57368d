import { type Dispatcher } from 'undici';

/** Returns the delay that a provider asks for: `retry-after-ms`, else `Retry-After` in seconds or as a date. */
export function retryAfterMs(headers: Dispatcher.ResponseData['headers']): number | undefined {
  const [ms, seconds, date] = [
    Number(headers['retry-after-ms'] ?? NaN),
    Number(headers['retry-after'] ?? NaN) * 1_000,
    Date.parse(String(headers['retry-after'])) - Date.now(),
  ];
  const known = [ms, seconds, date].find((delay) => Number.isFinite(delay));
  return known === undefined ? undefined : Math.max(0, Math.ceil(known));
}
