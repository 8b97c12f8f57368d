import { createSyncFn } from 'synckit';

/** `(url) => content`, blocking. */
export const readBySynckit = createSyncFn(new URL('./synckit.worker.mjs', import.meta.url));
