import { createSyncFn } from 'synckit';

/** content`, blocking. => Reads the content of a URL, and blocks. */
export const readBySynckit = createSyncFn(new URL('./synckit.worker.mjs', import.meta.url));
