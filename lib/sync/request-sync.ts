import { SyncHttp } from './sync-http';
import type { SyncRequestOptions } from './sync-request';
import type { SyncResponse } from './sync-response';

/**
 * The one thing that this library keeps for the whole process, as a plain function needs it: a worker that sends what it is
 * told and keeps connections, by origin and certificates, but neither names nor values. It starts with the first request.
 */
const shared = new SyncHttp();

/**
 * undici's `request`, blocking: for the `readSecretSync` of a manager. Returns what the server answers, whatever the status.
 *
 * The worker behind it is shared by the process and never closed, and does not keep the process alive; a manager that wants
 * to start its own ahead, and to end it, has {@link SyncHttp}, which also says what is thrown.
 */
export function requestSync(url: string | URL, options?: SyncRequestOptions): SyncResponse {
  return shared.request(url, options);
}
