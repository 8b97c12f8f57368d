export { requestSync } from './request-sync';
export { SyncHttp, type SyncHttpOptions } from './sync-http';
export type { SyncRequestOptions, SyncTls } from './sync-request';
export type { SyncResponse } from './sync-response';
