import { SyncHttp } from './sync-http';
import type { SyncRequestOptions } from './sync-request';
import type { SyncResponse } from './sync-response';

/**
 * The only state that this library shares across the process, because a plain function needs it. It is a worker that
 * sends requests, and keeps connections by origin and certificates. It keeps neither names nor values. It starts with
 * the first request.
 */
const shared = new SyncHttp();

/**
 * Sends a request like undici's `request`, but blocks: for the `readSecretSync` of a manager. Returns the response,
 * whatever its status.
 *
 * The whole process shares one worker. It is never closed, and does not keep the process alive. A manager that has to
 * start and end its own worker uses {@link SyncHttp}, which also documents the errors.
 */
export function requestSync(url: string | URL, options?: SyncRequestOptions): SyncResponse {
  return shared.request(url, options);
}
